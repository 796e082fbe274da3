/**
 * Runs a trace through any number of detectors at once and scores them side by side.
 *
 * Memory grows with the number of devices, never with that of events: one pass, and every count is kept as it goes.
 */
import type { Transition } from '../detector/index.ts';
import type { Classes, Contender } from './contender.ts';
import { Hindsight } from './hindsight.ts';
import { Lane } from './lane.ts';
import { OutageCount } from './outage-count.ts';
import { type ReplayReport, reportOf } from './report.ts';
import { type TraceDevice, TraceDevices } from './trace-devices.ts';
import type { TraceEvent } from './trace-line.ts';
import type { DeviceTruth, TruthLine } from './truth-line.ts';

export interface ReplayOptions {
  /** Intervals and budgets; contenders may change anything else of a class. */
  readonly classes: Classes;
  /** At least one, with the same classes each. */
  readonly contenders: readonly Contender[];
  /** True when truth lines will be told. Without, a death counts as a mistake when the device is heard again. */
  readonly hasTruth: boolean;
  readonly onTransition?: ((transition: Transition, contender: Contender) => void) | undefined;
}

/** The comparison as a pure state machine: events and truth in the order of their instants. */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #devices = new TraceDevices();
  readonly #lanes: readonly Lane[];
  readonly #hindsight: ReadonlyMap<string, Hindsight>;
  /** By device index: how long the present silence was expected to be. */
  readonly #expectedMs: number[] = [];
  /** By device index: the interval that a birth stated. */
  readonly #statedMs: number[] = [];
  #events = 0;
  #from: number | undefined;
  #at = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#hindsight = new Map(Object.keys(options.classes).map((name) => [name, new Hindsight()]));
    this.#lanes = options.contenders.map((contender, index) => this.#lane(contender, index === 0));
  }

  observe({ at, evidence }: TraceEvent): void {
    this.#events += 1;
    this.#from ??= at;
    this.#at = at;
    if (evidence.kind === 'monitor') {
      for (const lane of this.#lanes) {
        lane.advance(at);
        lane.monitor(evidence.up, at);
      }
      return;
    }
    const device = this.#devices.of(evidence);
    for (const lane of this.#lanes) {
      lane.advance(at);
      lane.hear(device, evidence, at);
    }
    if (evidence.kind === 'birth' && evidence.intervalMs !== undefined) {
      this.#statedMs[device.index] = evidence.intervalMs;
    }
    if (evidence.kind === 'beat' || evidence.kind === 'birth') {
      // Announcing nothing is no announcement.
      this.#expectedMs[device.index] = evidence.nextMs || this.#intervalMs(device);
    } else if (evidence.kind === 'bye' && evidence.sleepMs !== undefined) {
      this.#expectedMs[device.index] = evidence.sleepMs;
    }
  }

  /** What is true from `line.at` on; to be told before the events of that instant. */
  tell(line: TruthLine): void {
    for (const lane of this.#lanes) lane.advance(line.at);
    if ('group' in line) for (const { outages } of this.#lanes) outages.tell(line);
    else this.#tellDevice(line);
  }

  /** Ends the comparison at the last event: a trace's end is no death. */
  finish(): ReplayReport {
    for (const lane of this.#lanes) {
      lane.advance(this.#at);
      lane.ledger.finish(this.#at);
    }
    return reportOf({
      ...this.#options,
      lanes: this.#lanes,
      hindsight: this.#hindsight,
      events: this.#events,
      span: this.#from === undefined ? undefined : [this.#from, this.#at],
    });
  }

  #lane(contender: Contender, first: boolean): Lane {
    const { hasTruth, onTransition } = this.#options;
    return new Lane(contender, {
      devices: this.#devices,
      hasTruth,
      outages: new OutageCount(),
      onTransition: onTransition && ((transition) => onTransition(transition, contender)),
      // All detectors hear the same silences: one of them feeds the hindsight.
      onSilence: first ? (device, ms) => this.#silence(device, ms) : undefined,
    });
  }

  #silence(device: TraceDevice, ms: number): void {
    const expectedMs = this.#expectedMs[device.index] ?? this.#intervalMs(device);
    this.#hindsight.get(device.deviceClass)?.add(ms, expectedMs);
  }

  #intervalMs({ index, deviceClass }: TraceDevice): number {
    return this.#statedMs[index] ?? (this.#options.classes[deviceClass]?.intervalMs as number);
  }

  #tellDevice(line: DeviceTruth): void {
    const device = this.#devices.about(line);
    if (device === undefined) {
      this.#devices.tell(line);
      return;
    }
    const { alive, planned } = device.condition;
    if (alive === line.alive && planned === line.planned) return;
    for (const { ledger } of this.#lanes) ledger.beforeTruth(device, line.at);
    this.#devices.tell(line);
    for (const { ledger } of this.#lanes) ledger.afterTruth(device, line.at);
  }
}

export interface TraceReplay extends Omit<ReplayOptions, 'hasTruth' | 'onTransition'> {
  readonly trace: AsyncIterable<readonly TraceEvent[]>;
  readonly truth?: AsyncIterable<readonly TruthLine[]> | undefined;
  /** Takes the transitions of a batch of events; awaited, so that a slow file slows the replay and fills no memory. */
  readonly onTransitions?: ((transitions: readonly NamedTransition[]) => void | Promise<void>) | undefined;
}

export interface NamedTransition {
  readonly contender: string;
  readonly transition: Transition;
}

/** Replays a trace from its file, or wherever it comes from. Truth after the last event is not looked at. */
export async function replay({ trace, truth, onTransitions, ...rest }: TraceReplay): Promise<ReplayReport> {
  let made: NamedTransition[] = [];
  const flush = async () => {
    if (made.length === 0) return;
    await onTransitions?.(made);
    made = [];
  };
  const run = new Replay({
    ...rest,
    hasTruth: truth !== undefined,
    onTransition:
      onTransitions && ((transition, { name }) => void made.push({ contender: name, transition })),
  });
  const lines = new TruthQueue(truth);
  try {
    for await (const events of trace) {
      await lines.fill(events.at(-1)?.at ?? Number.NEGATIVE_INFINITY);
      for (const event of events) {
        for (let line = lines.next(event.at); line !== undefined; line = lines.next(event.at)) run.tell(line);
        run.observe(event);
      }
      await flush();
    }
  } finally {
    await lines.close();
  }
  const report = run.finish();
  await flush();
  return report;
}

/** Truth lines, read no further ahead than the trace needs. */
class TruthQueue {
  readonly #batches: AsyncIterator<readonly TruthLine[]> | undefined;
  #lines: TruthLine[] = [];
  #next = 0;
  #ended: boolean;

  constructor(truth: AsyncIterable<readonly TruthLine[]> | undefined) {
    this.#batches = truth?.[Symbol.asyncIterator]();
    this.#ended = truth === undefined;
  }

  /** Reads until every line up to `at` is here. */
  async fill(at: number): Promise<void> {
    while (!this.#ended && (this.#lines.at(-1)?.at ?? Number.NEGATIVE_INFINITY) <= at) {
      const batch = await this.#batches?.next();
      if (batch === undefined || batch.done === true) this.#ended = true;
      else {
        this.#lines = [...this.#lines.slice(this.#next), ...batch.value];
        this.#next = 0;
      }
    }
  }

  /** The next line up to `at`. */
  next(at: number): TruthLine | undefined {
    const line = this.#lines[this.#next];
    if (line === undefined || line.at > at) return undefined;
    this.#next += 1;
    return line;
  }

  async close(): Promise<void> {
    await this.#batches?.return?.();
  }
}
