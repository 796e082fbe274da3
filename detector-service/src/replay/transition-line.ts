/** Transitions as NDJSON, in the words of the trace. */
import type { Transition } from '../detector/index.ts';

/** @param detector named where several were compared */
export function transitionLine(transition: Transition, detector?: string): string {
  const { at, noticedAt, device, deviceClass, from, to, reason, phi, restated } = transition;
  const line = {
    ...(detector !== undefined && { detector }),
    at,
    noticedAt,
    device,
    class: deviceClass,
    from,
    to,
    reason,
    phi: Number(phi.toFixed(3)),
    ...(restated === true && { restated }),
  };
  return `${JSON.stringify(line)}\n`;
}
