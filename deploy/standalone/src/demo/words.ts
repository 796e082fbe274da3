/** One transition in one line, with the truth beside it. */
import type { State, Transition } from '@slowbeat/detector-service/detector';
import type { TruthLine } from '@slowbeat/firmware-sim';
import { span } from '../span.ts';
import type { Terminal } from '../terminal.ts';

type Paint = (text: string) => string;

/** Good is green, doubt yellow, loss red; the rest is not a judgement. */
export function stateColors({ colors }: Terminal): Readonly<Record<State, Paint>> {
  return {
    unknown: colors.dim,
    alive: colors.green,
    suspect: colors.yellow,
    dead: colors.red,
    asleep: colors.blue,
    unreachable: colors.magenta,
    retired: colors.dim,
  };
}

const NAME_WIDTH = 17;
const STATE_WIDTH = 11;
const REASON_WIDTH = 17;

/** `10:15:04.2 meter/meter-3       suspect → dead        reconnect-timeout (crash 4.1 s ago)`: eighty columns hold most. */
export function transitionLine(
  transition: Transition,
  truth: TruthLine | undefined,
  paint: Readonly<Record<State, Paint>>,
): string {
  const { deviceClass, device, from, to, reason, noticedAt, restated } = transition;
  const clock = new Date(noticedAt).toISOString().slice(11, 21);
  const name = `${deviceClass}/${device}`.padEnd(NAME_WIDTH);
  const change = `${paint[from](from.padStart(STATE_WIDTH))} → ${paint[to](to.padEnd(STATE_WIDTH))}`;
  const why = `${reason}${restated ? ' (corrected)' : ''}`.padEnd(REASON_WIDTH);
  return `${clock} ${name} ${change} ${why}${truth === undefined ? '' : ` (${truthText(truth, noticedAt)})`}`;
}

/** How long a return is still news beside a verdict. */
const NEWS_MS = 10_000;

function truthText({ t, cause, alive, link }: TruthLine, noticedAt: number): string {
  const agoMs = Math.max(0, noticedAt - t);
  return alive && link && agoMs > NEWS_MS ? 'alive' : `${cause} ${span(agoMs)} ago`;
}
