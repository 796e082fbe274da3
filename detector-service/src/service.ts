/**
 * The detector at work: messages and time in; journal, verdicts and listeners out.
 *
 * The pure detector decides, the recorder tells. In between the service owns two timers, one for the next deadline
 * and one for its own health, and takes care that time only moves forward and only while it can hear.
 */
import type { Clock, Timer } from '@slowbeat/device-sdk';
import type { Logger } from 'pino';
import { BeatBooks } from './beat-books.ts';
import type { BoundedLog } from './bounded-log.ts';
import type { DetectorConfig } from './config.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { Detector, DeviceView, Explanation, IncidentView, Transition } from './detector/index.ts';
import { gapThatMatters } from './gap-that-matters.ts';
import { type InboundMessage, readInbound } from './inbound.ts';
import { IncidentLog } from './incident-log.ts';
import { LocalHealth, type TimedEvidence } from './local-health.ts';
import { MonotonicTime } from './monotonic-time.ts';
import type { ProbeSender } from './probe-sender.ts';
import type { Recorder, TransitionListener } from './recorder.ts';
import type { Recovered } from './recovery.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { BeatLog, Journal, StateSeriesCounters } from './store/index.ts';
import { Tally } from './tally.ts';
import type { VerdictPublisher } from './verdict-publisher.ts';

const TICK_MS_MAX = 1000;
/** How long a stop waits for the broker to take the last verdicts. */
const FAREWELL_MS_MAX = 2000;

/** What people can do about a refused message. */
const REMEDIES: Readonly<Record<string, string>> = {
  'unknown-class':
    'a message of a class that is not configured was refused; name it under classes in slowbeat.yaml',
  'too-many-devices': 'a new device was refused because devicesMax is reached',
};

export interface ServiceParts {
  readonly config: DetectorConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recovered: Recovered;
  readonly recorder: Recorder;
  readonly publisher: VerdictPublisher;
  /** Absent where nobody sends pings. */
  readonly probes: ProbeSender | undefined;
  readonly keeper: StateKeeper;
  readonly complaints: BoundedLog;
}

export class DetectorService implements AsyncDisposable {
  /** Messages by kind and outcome; `-` stands for the kind of one that was not read. */
  readonly messages = new Tally();
  /** Transitions by from and to. */
  readonly transitions: Tally;
  readonly journal: Journal;
  /** Raw heartbeats, when they are wanted. */
  readonly beatLog: BeatLog | undefined;
  readonly incidentLog: IncidentLog;
  readonly probes: ProbeSender | undefined;

  readonly #config: DetectorConfig;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #detector: Detector;
  readonly #recorder: Recorder;
  readonly #publisher: VerdictPublisher;
  readonly #keeper: StateKeeper;
  readonly #books: BeatBooks;
  readonly #complaints: BoundedLog;
  readonly #time: MonotonicTime;
  readonly #health = new LocalHealth();
  readonly #deadline: DeadlineTimer;
  readonly #gapMsMin: number;

  #tick: Timer | undefined;
  #isJudging = false;
  #stopping: Promise<void> | undefined;

  constructor(parts: ServiceParts) {
    const { config, clock, logger, recovered, recorder, publisher, probes, keeper, complaints } = parts;
    this.#config = config;
    this.#clock = clock;
    this.#logger = logger;
    this.#complaints = complaints;
    this.#detector = recovered.detector;
    this.#recorder = recorder;
    this.#publisher = publisher;
    this.probes = probes;
    this.incidentLog = new IncidentLog(recovered.detector, logger);
    this.#keeper = keeper;
    const { detector, beatLog: log } = recovered;
    this.#books = new BeatBooks({ classes: config.classes, detector, recorder, log });
    this.beatLog = log;
    this.journal = recovered.journal;
    this.transitions = recorder.transitions;
    const { silentSinceAt, abandoned, retired } = recovered;
    const notBeforeAt = silentSinceAt === undefined ? 0 : silentSinceAt + 1;
    this.#gapMsMin = gapThatMatters(Object.values(config.classes));
    this.#time = new MonotonicTime({ clock, gapMsMin: this.#gapMsMin, notBeforeAt });
    this.#deadline = new DeadlineTimer(clock, () => void this.#judge());
    const blindSinceAt = silentSinceAt ?? this.#time.latestAt;
    this.#observeHealth(this.#health.began('restart', blindSinceAt));
    recorder.clear(retired);
    void this.#record(abandoned.map((verdict) => retiredSince(blindSinceAt, verdict)));
    this.#reach();
    this.#scheduleTick();
  }

  /**
   * Takes a message in: resolves when what follows from it is durable. Never rejects because of its content, only
   * once the watch has ended: then it is better left unacknowledged, for the next run.
   */
  async handle(message: InboundMessage): Promise<void> {
    if (this.#stopping !== undefined) throw new Error('the monitor is stopping');
    const at = this.#reach();
    const inbound = readInbound(this.#config.root, message);
    if (!inbound.ok) {
      this.messages.add('-', inbound.refusal);
      // Verdicts come back to whoever publishes and subscribes at the same broker.
      if (inbound.refusal !== 'own-message') this.#complain(inbound.refusal, at, message, inbound.detail);
      return;
    }
    await this.journal.room();
    const { evidence, telemetry } = inbound;
    const { outcome, transitions } = this.#detector.observe(evidence, at);
    this.messages.add(evidence.kind, outcome);
    if (outcome === 'unknown-class' || outcome === 'too-many-devices') this.#complain(outcome, at, message);
    else this.#keeper.changed();
    this.#armDeadline();
    const recorded = this.#record(transitions);
    this.#books.take(evidence, telemetry, outcome, at);
    await recorded;
  }

  /**
   * Whether heartbeats can be heard at all: the broker listens, or the subscription stands.
   *
   * @param knowsVerdicts true when the broker still holds the retained verdicts it was given
   */
  link(up: boolean, { knowsVerdicts = false } = {}): void {
    const at = this.#reach();
    const evidence = up
      ? [...this.#health.ended('restart', at), ...this.#health.ended('broker-link', at)]
      : this.#health.began('broker-link', at);
    this.#observeHealth(evidence);
    this.#publisher.open = up;
    if (up && !knowsVerdicts) this.#recorder.repeat(this.#detector.devices(at));
  }

  /** Told after the journal holds the transition. Returns the way to unsubscribe. */
  onTransition(listener: TransitionListener): () => void {
    return this.#recorder.subscribe(listener);
  }

  /** Group outages, the open ones and the latest of those that are over, oldest first. */
  incidents(): readonly IncidentView[] {
    return this.#detector.incidents();
  }

  /** Epoch milliseconds on the monitor's own time. */
  now(): number {
    return this.#reach();
  }

  get isBlind(): boolean {
    return this.#health.blind;
  }

  get blindMs(): number {
    return this.#health.blindMs(this.#time.latestAt);
  }

  seriesCounters(): StateSeriesCounters {
    return this.#recorder.seriesCounters();
  }

  /** How far own time is ahead of the machine's wall clock. */
  get aheadMs(): number {
    return this.#time.aheadMs;
  }

  /** Verdicts that the broker has not acknowledged yet. */
  get verdictsWaiting(): number {
    return this.#publisher.waiting;
  }

  devices(): Iterable<DeviceView> {
    return this.#detector.devices(this.#time.latestAt);
  }

  explain(deviceClass: string, device: string): Explanation | undefined {
    return this.#detector.explain(deviceClass, device, this.#time.latestAt);
  }

  /** Resolves when everything decided so far is durable and listeners were told. */
  settled(): Promise<void> {
    return this.#recorder.settled();
  }

  /**
   * Ends the watch: from now on nobody listens, which is written and published; then everything is saved.
   * `beforeClosing` may still read the journal, as a sender does that takes the last lines away.
   */
  stop(beforeClosing: () => Promise<void> = async () => {}): Promise<void> {
    this.#stopping ??= this.#stop(beforeClosing);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(beforeClosing: () => Promise<void>): Promise<void> {
    const at = this.#reach();
    this.#observeHealth(this.#health.began('restart', at));
    this.#tick?.cancel();
    this.#deadline.cancel();
    await this.#recorder.settled();
    if (this.#recorder.isSweepDue(at)) this.#recorder.sweep(at);
    await this.#recorder.settled();
    await this.#publishedOrTooLate();
    await this.#keeper.close(at);
    await beforeClosing();
    await this.beatLog?.[Symbol.asyncDispose]();
    await this.journal.close();
  }

  async #publishedOrTooLate(): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.setTimer(FAREWELL_MS_MAX, resolve);
    });
    await Promise.race([this.#publisher.drained(), late]);
    timer?.cancel();
    this.#publisher.open = false;
  }

  /** Reads the clock at an entry; what the clock itself reveals is taken in first. */
  #reach(): number {
    const { at, gap } = this.#time.read();
    if (gap !== undefined) {
      const details = { blindMs: gap.untilAt - gap.fromAt, cause: gap.cause };
      this.#logger.warn(details, 'nothing could be heard for a while; it counts as unknown, not as silence');
      this.#observeHealth(this.#health.missed(gap));
    }
    if (this.#recorder.isSweepDue(at)) {
      // What is due was true before the slots were over.
      void this.#record(this.#detector.advance(at));
      this.#recorder.sweep(at);
    }
    return at;
  }

  #observeHealth(evidence: readonly TimedEvidence[]): void {
    for (const item of evidence) {
      this.#recorder.hearing(item.evidence.up, item.at);
      this.#books.hearing(item.evidence.up, item.at);
      void this.#record(this.#detector.observe(item.evidence, item.at).transitions);
    }
    if (evidence.length > 0) this.#armDeadline();
  }

  #record(transitions: readonly Transition[]): Promise<void> {
    this.probes?.ask(this.#detector.takeProbes());
    if (transitions.length > 0) this.#keeper.changed();
    this.incidentLog.look();
    return this.#recorder.record(transitions);
  }

  #complain(reason: string, at: number, { topic }: InboundMessage, detail?: string): void {
    const shown = topic.length > 200 ? `${topic.slice(0, 200)}…` : topic;
    const details = { topic: shown, ...(detail !== undefined && { detail }) };
    this.#complaints.warn(reason, at, details, REMEDIES[reason] ?? 'a message was refused');
  }

  #armDeadline(): void {
    this.#deadline.arm(this.#detector.nextDeadline(), this.#time.latestAt);
  }

  async #judge(): Promise<void> {
    if (this.#isJudging) return;
    this.#isJudging = true;
    // A journal that cannot write holds verdicts back; it has said so itself.
    await this.journal.room();
    this.#isJudging = false;
    if (this.#stopping !== undefined) return;
    void this.#record(this.#detector.advance(this.#reach()));
    this.#armDeadline();
  }

  #scheduleTick(): void {
    this.#tick = this.#clock.setTimer(Math.min(TICK_MS_MAX, this.#gapMsMin / 2), () => {
      const at = this.#reach();
      this.#keeper.tick(at);
      this.#complaints.flush(at);
      this.#scheduleTick();
    });
  }
}

/**
 * The last word about a device that nobody watches any more, because its class is gone from the settings. Anything less
 * would have its hours written as unknown for ever, and leave a retained verdict that nobody stands by.
 */
function retiredSince(
  at: number,
  { deviceClass, device, site, state }: Recovered['abandoned'][number],
): Transition {
  const reason = 'retired';
  return { deviceClass, device, site, from: state, to: 'retired', at, noticedAt: at, reason, phi: 0 };
}
