/**
 * Judges a detector by the truth: which deaths it found, how soon, and which it imagined.
 *
 * Detection time is Chen, Toueg and Aguilera's T_D (2002): from the death to the instant from which on the device
 * is called dead. It is given twice, by the instant the verdict claims (`at`) and by the one at which the detector
 * could know (`noticedAt`).
 */
import type { Transition } from '@slowbeat/detector-service/detector';
import type { Window } from './history.ts';
import type { Cause } from './story.ts';
import { deviceKey, type TruthLine } from './truth.ts';

export interface Death {
  readonly device: string;
  readonly deviceClass: string;
  readonly cause: Cause;
  readonly diedAt: number;
  /** When it ran again; absent when it stayed dead until the window's end. */
  readonly backAt?: number | undefined;
  /**
   * - `detected`: called dead while it was
   * - `unnoticed`: back before anybody could tell
   * - `undetected`: dead at the window's end and not called so
   */
  readonly outcome: 'detected' | 'unnoticed' | 'undetected';
  /** From the death to the verdict's `at`; 0 when it was called dead before it died. */
  readonly detectionMs?: number | undefined;
  /** From the death to the verdict's `noticedAt`. */
  readonly noticedMs?: number | undefined;
}

/** A device that was alive and called dead. */
export interface FalseDeath {
  readonly device: string;
  readonly deviceClass: string;
  readonly at: number;
  readonly noticedAt: number;
  /** Its network was gone: to anyone beyond it, indistinguishable from death. */
  readonly linkDown: boolean;
  /** The detector has rewritten this verdict since. */
  readonly restated: boolean;
}

/** A device that had been called dead rightly, ran again, and was called so. */
export interface Recovery {
  readonly device: string;
  readonly deviceClass: string;
  readonly backAt: number;
  /** From its return to the instant at which it was called anything but dead. */
  readonly lagMs: number;
}

export interface Evaluation {
  readonly deaths: readonly Death[];
  readonly falseDeaths: readonly FalseDeath[];
  readonly recoveries: readonly Recovery[];
}

/**
 * @param truth lines sorted by `t`, from the run's start on
 * @param transitions in the order in which the detector gave them
 * @param window deaths and verdicts within it are judged
 */
export function evaluate(
  truth: Iterable<TruthLine>,
  transitions: Iterable<Transition>,
  window: Window,
): Evaluation {
  const devices = new Map<string, DeviceRecord>();
  for (const line of truth) {
    const key = deviceKey(line.class, line.device);
    const record = devices.get(key) ?? { lines: [], verdicts: [] };
    devices.set(key, record);
    record.lines.push(line);
  }
  for (const transition of transitions) {
    devices.get(deviceKey(transition.deviceClass, transition.device))?.verdicts.push(transition);
  }
  const deaths: Death[] = [];
  const falseDeaths: FalseDeath[] = [];
  const recoveries: Recovery[] = [];
  for (const { lines, verdicts } of devices.values()) {
    const called = timesCalledDead(verdicts);
    for (const death of judgeDeaths(lines, called, window)) {
      deaths.push(death);
      const recovery = recoveryFrom(death, called);
      if (recovery !== undefined) recoveries.push(recovery);
    }
    falseDeaths.push(...findFalseDeaths(lines, called, window));
  }
  return { deaths, falseDeaths, recoveries };
}

interface DeviceRecord {
  readonly lines: TruthLine[];
  readonly verdicts: Transition[];
}

/** A time in which the detector called a device dead. */
interface Called {
  readonly at: number;
  readonly noticedAt: number;
  /** When it was no longer called so; Infinity while it still is. */
  readonly until: number;
  readonly restated: boolean;
}

function timesCalledDead(verdicts: readonly Transition[]): Called[] {
  const called: Called[] = [];
  for (const { to, at, noticedAt, restated } of verdicts) {
    const last = called.at(-1);
    const open = last !== undefined && last.until === Infinity;
    if (to === 'dead' && !open) {
      called.push({ at, noticedAt, until: Infinity, restated: false });
    } else if (to !== 'dead' && open) {
      // A rewritten past was still told at the time: it ends when the detector knew better.
      const denied = restated === true && at <= last.at;
      called[called.length - 1] = { ...last, until: denied ? noticedAt : at, restated: denied };
    }
  }
  return called;
}

function* judgeDeaths(
  lines: readonly TruthLine[],
  called: readonly Called[],
  window: Window,
): Generator<Death> {
  let wasAlive = false;
  for (const [i, { t: diedAt, device, class: deviceClass, alive, planned, cause }] of lines.entries()) {
    const died = wasAlive && !alive && !planned;
    wasAlive = alive;
    if (!died || diedAt < window.from || diedAt >= window.to) continue;
    const returnsAt = lines.slice(i + 1).find((line) => line.alive || line.planned)?.t ?? Infinity;
    const backAt = returnsAt < window.to ? returnsAt : undefined;
    const verdict = called.find(({ at, until }) => until > diedAt && at < (backAt ?? window.to));
    yield {
      device,
      deviceClass,
      cause,
      diedAt,
      backAt,
      ...(verdict === undefined
        ? { outcome: backAt === undefined ? 'undetected' : 'unnoticed' }
        : {
            outcome: 'detected',
            detectionMs: Math.max(0, verdict.at - diedAt),
            noticedMs: Math.max(0, verdict.noticedAt - diedAt),
          }),
    };
  }
}

function recoveryFrom(
  { device, deviceClass, diedAt, backAt }: Death,
  called: readonly Called[],
): Recovery | undefined {
  if (backAt === undefined) return undefined;
  const last = called.findLast(({ at, until }) => until > diedAt && at < backAt);
  if (last === undefined || last.until === Infinity) return undefined;
  return { device, deviceClass, backAt, lagMs: Math.max(0, last.until - backAt) };
}

function* findFalseDeaths(
  lines: readonly TruthLine[],
  called: readonly Called[],
  window: Window,
): Generator<FalseDeath> {
  for (const { at, noticedAt, restated } of called) {
    if (at < window.from || at >= window.to) continue;
    const line = lines.findLast(({ t }) => t <= at);
    if (line === undefined || (!line.alive && !line.planned)) continue;
    yield { device: line.device, deviceClass: line.class, at, noticedAt, linkDown: !line.link, restated };
  }
}
