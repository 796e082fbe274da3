/**
 * The one way from a verdict to the world: the journal makes it durable, then it is published and listeners hear
 * of it. In the order in which it was decided.
 */
import { encode, type StateMessage, stateTopic } from '@slowbeat/device-sdk/protocol';
import type { Logger } from 'pino';
import type { DeviceView, Transition } from './detector/index.ts';
import { type Journal, type StateSeries, writeCheckpoints } from './store/index.ts';
import { Tally } from './tally.ts';
import { messageOfTransition, messageOfView } from './verdict-message.ts';
import type { VerdictPublisher } from './verdict-publisher.ts';

export type TransitionListener = (transition: Transition) => void;

export interface RecorderOptions {
  readonly journal: Journal;
  readonly series: StateSeries;
  readonly publisher: VerdictPublisher;
  readonly root: string;
  /** Name of this monitor, for the verdicts. */
  readonly monitor: string;
  /** Verdicts go to a topic of this monitor's own, because others judge the same devices at the same broker. */
  readonly ownStateTopic: boolean;
  readonly logger: Logger;
}

const NOTHING = new Uint8Array(0);
const NOTHING_TO_RECORD = Promise.resolve();

export class Recorder {
  /** By from and to. */
  readonly transitions = new Tally();
  readonly #options: RecorderOptions;
  readonly #listeners = new Set<TransitionListener>();
  #settled: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when these transitions are durable and told; at once when there are none. Never rejects. */
  record(transitions: readonly Transition[]): Promise<void> {
    if (transitions.length === 0) return NOTHING_TO_RECORD;
    const lines = transitions.flatMap((transition) => this.#options.series.record(transition));
    return this.#after(this.#options.journal.append(lines), () => this.#tell(transitions));
  }

  /** Carries every device over the midnights up to `at`, so that nobody has to look back further than a day. */
  checkpoint(at: number): void {
    const { series, journal } = this.#options;
    this.#after(writeCheckpoints(series, journal, at), () => {});
  }

  /** Publishes verdicts that were recorded before, for a broker that does not have them. */
  repeat(views: Iterable<DeviceView>): void {
    for (const view of views) this.#publish(view, () => messageOfView(view, this.#options.monitor));
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
      // Who has left for good leaves no verdict behind: an empty retained message removes it.
      if (transition.to === 'retired') this.#options.publisher.put(this.#topicOf(transition), () => NOTHING);
      else this.#publish(transition, () => messageOfTransition(transition, this.#options.monitor));
      for (const listener of this.#listeners) listener(transition);
    }
  }

  #publish(about: { deviceClass: string; device: string }, message: () => StateMessage): void {
    this.#options.publisher.put(this.#topicOf(about), () => encode('state', message()));
  }

  #topicOf({ deviceClass, device }: { deviceClass: string; device: string }): string {
    const { root, monitor, ownStateTopic } = this.#options;
    return stateTopic(root, deviceClass, device, ownStateTopic ? monitor : undefined);
  }
}
