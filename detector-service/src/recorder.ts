/**
 * The one way from a verdict to the world: the journal makes it durable, then it is published and listeners hear
 * of it. In the order in which it was decided.
 */
import { encode, type StateMessage, stateTopic } from '@slowbeat/device-sdk/protocol';
import type { Logger } from 'pino';
import type { DeviceView, Transition } from './detector/index.ts';
import type { DeviceKey } from './store/device-key.ts';
import {
  type FleetSeries,
  type Heard,
  type HeardBeat,
  type Journal,
  type StateSeriesCounters,
  writeInPieces,
} from './store/index.ts';
import { Tally } from './tally.ts';
import { messageOfTransition, messageOfView } from './verdict-message.ts';
import type { VerdictPublisher } from './verdict-publisher.ts';

export type TransitionListener = (transition: Transition) => void;

export interface RecorderOptions {
  readonly journal: Journal;
  readonly series: FleetSeries;
  readonly publisher: VerdictPublisher;
  readonly root: string;
  /** Name of this monitor, for the verdicts. */
  readonly monitor: string;
  /** Verdicts go to a topic of this monitor's own, because others judge the same devices at the same broker. */
  readonly ownStateTopic: boolean;
  readonly logger: Logger;
}

/** An empty retained message removes the one that was there. */
const NOTHING = new Uint8Array(0);
const NOTHING_TO_RECORD = Promise.resolve();

export class Recorder {
  /** By from and to. */
  readonly transitions = new Tally();
  readonly #options: RecorderOptions;
  readonly #listeners = new Set<TransitionListener>();
  #settled: Promise<void> = Promise.resolve();
  #isSweeping = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when these transitions are durable and told; at once when there are none. Never rejects. */
  record(transitions: readonly Transition[]): Promise<void> {
    if (transitions.length === 0) return NOTHING_TO_RECORD;
    const lines = transitions.flatMap((transition) => this.#options.series.record(transition));
    return this.#after(this.#options.journal.append(lines), () => this.#tell(transitions));
  }

  /** Counts a heartbeat or birth that was news. @returns what was measured of it; the same object at each call */
  heard(beat: HeardBeat, at: number): Heard | undefined {
    const { series, journal } = this.#options;
    const { lines, heard } = series.heard(beat, at);
    if (lines.length > 0) void this.#after(journal.append(lines), () => {});
    return heard;
  }

  seriesCounters(): StateSeriesCounters {
    return this.#options.series.counters();
  }

  /** Whether the monitor hears, from `at` on. */
  hearing(hears: boolean, at: number): void {
    const { series } = this.#options;
    if (hears) series.hears(at);
    else series.deaf(at);
  }

  /** True when slots are over that {@link sweep} would write, and it is not at it already. */
  isSweepDue(at: number): boolean {
    return !this.#isSweeping && this.#options.series.isDue(at);
  }

  /** Writes the slots that are over at `at`, and carries every device over the midnights before. */
  sweep(at: number): void {
    this.#isSweeping = true;
    void this.#after(this.#swept(at), () => {});
  }

  /** Publishes verdicts that were recorded before, for a broker that does not have them. */
  repeat(views: Iterable<DeviceView>): void {
    for (const view of views) this.#publish(view, () => messageOfView(view, this.#options.monitor));
  }

  /** Removes the retained verdicts of devices that have left for good. */
  clear(devices: Iterable<DeviceKey>): void {
    for (const device of devices) this.#options.publisher.put(this.#topicOf(device), () => NOTHING);
  }

  /** Resolves when everything recorded so far is durable and told. */
  settled(): Promise<void> {
    return this.#settled;
  }

  /** Returns the way to unsubscribe. */
  subscribe(listener: TransitionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A midnight is marked only when all slots up to it are closed: a restart relies on that. */
  async #swept(at: number): Promise<void> {
    const { series, journal } = this.#options;
    try {
      await writeInPieces(series.closeSlots(at), journal);
      await writeInPieces(series.checkpoint(at), journal);
    } finally {
      this.#isSweeping = false;
    }
  }

  /** Queues what is to happen once the journal has taken its lines, behind everything queued before. */
  #after(written: Promise<unknown>, then: () => void): Promise<void> {
    const settled = written.catch((error: unknown) => {
      // People are told all the same: a verdict is worth more now than in the books later.
      this.#options.logger.error({ err: error }, 'the journal refused lines; uptime will lack them');
    });
    this.#settled = Promise.all([this.#settled, settled]).then(then);
    return this.#settled;
  }

  #tell(transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      this.transitions.add(transition.from, transition.to);
      if (transition.to === 'retired') this.clear([transition]);
      else this.#publish(transition, () => messageOfTransition(transition, this.#options.monitor));
      for (const listener of this.#listeners) listener(transition);
    }
  }

  #publish(about: { deviceClass: string; device: string }, message: () => StateMessage): void {
    this.#options.publisher.put(this.#topicOf(about), () => encode('state', message()));
  }

  #topicOf({ deviceClass, device }: DeviceKey): string {
    const { root, monitor, ownStateTopic } = this.#options;
    return stateTopic(root, deviceClass, device, ownStateTopic ? monitor : undefined);
  }
}
