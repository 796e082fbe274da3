import type { Delay } from './delay.ts';
import type { Loss } from './loss.ts';
import { normal, type Random, random } from './random.ts';

/** What is true about one simulated device. */
export interface Device {
  readonly joinsAt: number;
  readonly leavesAt: number;
  /** False for a device that only makes its class known: what becomes of it does not count. */
  readonly judged: boolean;
  /** The link may change: the loss process in force at an instant is `losses[stageAt(t)]`. */
  readonly losses: readonly Loss[];
  readonly stageAt: (t: number) => number;
  readonly delay: Delay;
  /** Planned time from a beat sent at `t` to the next. */
  readonly intervalAt: (t: number) => number;
  /** False when `intervalAt` varies with time. */
  readonly steady: boolean;
  /** The announced next beat is drawn from interval · (1 ± jitter). */
  readonly jitter: number;
  readonly announces: boolean;
  readonly numbersBeats: boolean;
  /** Rate error of the device's clock, in parts per million. */
  readonly driftPpm: number;
  /** Standard deviation of a step of the device's clock, and how many beats lie between two of them on average. */
  readonly stepMs: number;
  readonly beatsPerStep: number;
}

export interface Family {
  /** The interval the class is configured with. */
  readonly intervalMs: number;
  readonly falseAlarmsPerDeviceYear: number;
  readonly devices: readonly Device[];
}

export interface Beat {
  device: number;
  at: number;
  /** Beats lost since the beat before; the truth. */
  missed: number;
  /** Planned time until the next beat. */
  nextMs: number;
}

export const deviceOf = (
  device: Partial<Device> & Pick<Device, 'losses' | 'delay' | 'intervalAt' | 'leavesAt'>,
): Device => ({
  joinsAt: 0,
  judged: true,
  stageAt: () => 0,
  steady: true,
  jitter: 0,
  announces: true,
  numbersBeats: true,
  driftPpm: 0,
  stepMs: 0,
  beatsPerStep: Number.POSITIVE_INFINITY,
  ...device,
});

/** Calls `visit` for every arrival of the family in the order of time. The beat object is reused. */
export function play(family: Family, seed: number, visit: (beat: Readonly<Beat>) => void): void {
  const sources = family.devices.map((device, index) => new Source(device, index, random(seed, index + 1)));
  const heap = sources.filter((source) => source.advance());
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i);
  while (heap.length > 0) {
    const first = heap[0] as Source;
    visit(first.beat);
    if (!first.advance()) {
      const last = heap.pop() as Source;
      if (heap.length > 0) heap[0] = last;
    }
    sink(heap, 0);
  }
}

/** The received beats of one device. A beat overtaken by its successor is dropped: it would renew nothing. */
class Source {
  readonly beat: Beat;
  readonly #device: Device;
  readonly #dice: Random;
  #sentAt: number;
  #plannedMs: number;
  #held: { at: number; missed: number; nextMs: number } | undefined;

  constructor(device: Device, index: number, dice: Random) {
    this.beat = { device: index, at: 0, missed: 0, nextMs: 0 };
    this.#device = device;
    this.#dice = dice;
    this.#sentAt = device.joinsAt + dice.next() * device.intervalAt(device.joinsAt);
    this.#plannedMs = this.#plan();
    this.#held = { at: this.#sentAt + device.delay.draw(dice), missed: 0, nextMs: this.#plannedMs };
  }

  /** Moves to the next arrival; false when the device has left. */
  advance(): boolean {
    const beat = this.beat;
    let held = this.#held;
    if (held === undefined) return false;
    let next = this.#receive();
    while (next !== undefined && next.at <= held.at) {
      next.missed += held.missed + 1;
      held = next;
      next = this.#receive();
    }
    this.#held = next;
    beat.at = held.at;
    beat.missed = held.missed;
    beat.nextMs = held.nextMs;
    return true;
  }

  #plan(): number {
    const interval = this.#device.intervalAt(this.#sentAt);
    return interval * (1 + this.#device.jitter * (2 * this.#dice.next() - 1));
  }

  #receive(): { at: number; missed: number; nextMs: number } | undefined {
    const device = this.#device;
    const dice = this.#dice;
    const missed = (device.losses[device.stageAt(this.#sentAt)] as Loss).draw(dice);
    for (let i = 0; i <= missed; i++) {
      let lasts = this.#plannedMs * (1 + device.driftPpm * 1e-6);
      if (device.stepMs > 0 && dice.next() < 1 / device.beatsPerStep) lasts += device.stepMs * normal(dice);
      this.#sentAt += Math.max(1, lasts);
      this.#plannedMs = this.#plan();
      if (this.#sentAt > device.leavesAt) return undefined;
    }
    return { at: this.#sentAt + device.delay.draw(dice), missed, nextMs: this.#plannedMs };
  }
}

function sink(heap: Source[], from: number): void {
  let i = from;
  const moved = heap[i];
  if (moved === undefined) return;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as Source).beat.at < (heap[child] as Source).beat.at)
      child++;
    if ((heap[child] as Source).beat.at >= moved.beat.at) break;
    heap[i] = heap[child] as Source;
    i = child;
  }
  heap[i] = moved;
}
