/**
 * Measured uptime beside the truth, and where the difference comes from.
 *
 * Every millisecond of the window is put into one cell: what the device was, and what the verdicts said of it. The
 * cells off the diagonal explain the difference; what they leave over is an error of the measurement itself, since
 * the measured row should say what the verdicts said.
 */
import { availability, type Transition } from '@slowbeat/detector-service/detector';
import { History, joint, type Window } from './history.ts';
import { deviceKey, type TruthLine, truthAvailability, truthHistories } from './truth.ts';

export interface MeasuredUptime {
  readonly device: string;
  readonly deviceClass: string;
  readonly upMs: number;
  readonly downMs: number;
  readonly unknownMs: number;
}

export interface UptimeComparison {
  readonly device: string;
  readonly deviceClass: string;
  readonly trueUpMs: number;
  readonly trueDownMs: number;
  /** True up/(up+down) in percent; undefined when it was neither. */
  readonly trueUptimePercent?: number | undefined;
  readonly measuredUpMs: number;
  readonly measuredDownMs: number;
  readonly measuredUptimePercent?: number | undefined;
  /** Down and still called up: detection time. */
  readonly detectionLagMs: number;
  /** Up and called down: recoveries not yet noticed, and false deaths. */
  readonly falselyDownMs: number;
  /** Up or down and not judged: blind time, unreachable, before the first verdict. */
  readonly notJudgedMs: number;
  /** What the measured row has up beyond what the verdicts say; 0 when the measurement adds up. */
  readonly unexplainedUpMs: number;
  /** The same for down. */
  readonly unexplainedDownMs: number;
}

/** One row per device of the truth that was measured, in the truth's order. */
export function compareUptime(
  truth: Iterable<TruthLine>,
  transitions: Iterable<Transition>,
  measured: Iterable<MeasuredUptime>,
  window: Window,
): UptimeComparison[] {
  const rows = new Map([...measured].map((row) => [deviceKey(row.deviceClass, row.device), row]));
  const verdicts = verdictHistories(transitions);
  const comparisons: UptimeComparison[] = [];
  for (const [key, history] of truthHistories(truth)) {
    const row = rows.get(key);
    if (row === undefined) continue;
    const told = verdicts.get(key) ?? new History<Verdict>('unknown');
    const cells = { up: { ...NOTHING }, down: { ...NOTHING }, out: { ...NOTHING } };
    for (const { from, to, value } of joint(history.within(window), told.within(window))) {
      cells[truthAvailability(value[0])][value[1]] += to - from;
    }
    comparisons.push(compare(row, cells));
  }
  return comparisons;
}

type Verdict = 'up' | 'down' | 'unknown';
type Spent = Record<Verdict, number>;

const NOTHING: Readonly<Spent> = { up: 0, down: 0, unknown: 0 };

function verdictHistories(transitions: Iterable<Transition>): Map<string, History<Verdict>> {
  const verdicts = new Map<string, History<Verdict>>();
  for (const { deviceClass, device, to, reason, at } of transitions) {
    const key = deviceKey(deviceClass, device);
    const history = verdicts.get(key) ?? new History<Verdict>('unknown');
    verdicts.set(key, history);
    const counts = availability(to, reason);
    history.record(at, counts === 1 ? 'up' : counts === 0 ? 'down' : 'unknown');
  }
  return verdicts;
}

function compare(
  row: MeasuredUptime,
  { up, down, out }: Record<'up' | 'down' | 'out', Spent>,
): UptimeComparison {
  const trueUpMs = up.up + up.down + up.unknown;
  const trueDownMs = down.up + down.down + down.unknown;
  return {
    device: row.device,
    deviceClass: row.deviceClass,
    trueUpMs,
    trueDownMs,
    trueUptimePercent: percent(trueUpMs, trueDownMs),
    measuredUpMs: row.upMs,
    measuredDownMs: row.downMs,
    measuredUptimePercent: percent(row.upMs, row.downMs),
    detectionLagMs: down.up,
    falselyDownMs: up.down,
    notJudgedMs: up.unknown + down.unknown,
    unexplainedUpMs: row.upMs - (up.up + down.up + out.up),
    unexplainedDownMs: row.downMs - (up.down + down.down + out.down),
  };
}

function percent(upMs: number, downMs: number): number | undefined {
  return upMs + downMs === 0 ? undefined : (100 * upMs) / (upMs + downMs);
}
