/** A fleet that changes its mind all the time: the same transitions in every run. */
import type { Transition } from '@slowbeat/detector-service/detector';

export const BENCH_START = Date.UTC(2026, 9, 1);

const CYCLE = [
  { to: 'suspect', reason: 'late' },
  { to: 'dead', reason: 'silence' },
  { to: 'alive', reason: 'heard' },
] as const;

/** Without end: each device in turn, some seconds apart. */
export function* verdicts(devices: number): Generator<Transition> {
  const names = Array.from({ length: devices }, (_, number) => `device-${number}`);
  let at = BENCH_START;
  for (let round = 0; ; round++) {
    const { to, reason } = CYCLE[(round + CYCLE.length - 1) % CYCLE.length] as (typeof CYCLE)[number];
    const from = round === 0 ? 'unknown' : (CYCLE[(round + 1) % CYCLE.length] as (typeof CYCLE)[number]).to;
    for (const [number, device] of names.entries()) {
      at += 1;
      const site = `site-${number % 100}`;
      yield {
        device,
        deviceClass: 'meter',
        site,
        from,
        to,
        at,
        noticedAt: at,
        reason,
        phi: to === 'alive' ? 0 : 3.217,
      };
    }
  }
}
