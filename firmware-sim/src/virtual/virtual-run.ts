/**
 * Plays a scenario in virtual time: the real SDK's loop and the real detector core, with a simulated network between
 * them. One seed draws everything; the same seed gives the same run to the last byte.
 */
import {
  type ClassConfig,
  classConfig,
  type Outcome,
  type Transition,
} from '@slowbeat/detector-service/detector';
import { type Evaluation, evaluate } from '../evaluate.ts';
import { type PlanOptions, planStory } from '../plan.ts';
import { type Random, type Seed, seeded } from '../random.ts';
import { type Scenario, ScenarioError } from '../scenario.ts';
import { type Score, score } from '../score.ts';
import { emptyTally, type SimulatedDevice, simulatedDevice, type Tally } from '../simulated-device.ts';
import { type Cause, type DeviceStory, isFault, type ServiceOutage, type Story } from '../story.ts';
import { playStory } from '../story-player.ts';
import type { OutageLine, TruthLine } from '../truth.ts';
import { erringClock } from './erring-clock.ts';
import { drawQuality, type NetworkCounts, VirtualLink } from './network.ts';
import { traceLine } from './trace-line.ts';
import { VirtualBroker } from './virtual-broker.ts';
import { VirtualClock } from './virtual-clock.ts';
import { type MonitorEvents, VirtualMonitor } from './virtual-monitor.ts';
import { Weather } from './weather.ts';

/** When every virtual run begins: results must not depend on today. */
export const VIRTUAL_START_AT = Date.UTC(2026, 0, 1);

export interface VirtualRunOptions extends PlanOptions, Omit<MonitorEvents, 'onEvidence'> {
  /** What the detector knows of the classes; default what the scenario says, and the detector's own defaults. */
  readonly classes?: Readonly<Record<string, ClassConfig>> | undefined;
  readonly onTruth?: ((line: TruthLine) => void) | undefined;
  readonly onOutage?: ((line: OutageLine) => void) | undefined;
  /** A line of what the monitor heard, for `slowbeat replay`. */
  readonly onTrace?: ((line: string) => void) | undefined;
}

export interface VirtualSummary {
  readonly scenario: string;
  readonly seed: Seed;
  readonly devices: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly beats: { readonly sent: number; readonly acknowledged: number; readonly missed: number };
  readonly connects: number;
  readonly connectionsLost: number;
  readonly connectsRefused: number;
  /** What became of the messages that the monitor heard. */
  readonly heard: Readonly<Partial<Record<Outcome, number>>>;
  /** How often each fault struck a device. */
  readonly faults: Readonly<Partial<Record<Cause, number>>>;
  /** Times in which nobody could be heard: broker restarts, blind times. */
  readonly serviceOutages: number;
  readonly transitions: number;
  /** One row per class, then the row over all. */
  readonly scores: readonly Score[];
  /** With what the detector worked; `slowbeat replay --classes` reads it. */
  readonly classes: Readonly<Record<string, ClassConfig>>;
}

export class VirtualRun {
  readonly story: Story;
  readonly classes: Readonly<Record<string, ClassConfig>>;
  readonly clock = new VirtualClock(VIRTUAL_START_AT);
  readonly monitor: VirtualMonitor;
  readonly #broker: VirtualBroker;
  readonly #fleet: ReadonlyMap<DeviceStory, SimulatedDevice>;
  readonly #truth: TruthLine[] = [];
  readonly #transitions: Transition[] = [];
  readonly #faults: Partial<Record<Cause, number>> = {};
  readonly #tally: Tally = emptyTally();
  readonly #counts: NetworkCounts = { opened: 0, refused: 0 };
  #brokerOutages = 0;
  #isOver = false;

  /** @throws ScenarioError when names are impossible, or `classes` lacks one */
  constructor(scenario: Scenario, options: VirtualRunOptions) {
    this.story = planStory(scenario, options);
    this.classes = options.classes ?? classesOf(this.story);
    checkClasses(this.story, this.classes);
    const { onTrace, onHeard } = options;
    this.monitor = new VirtualMonitor(this.clock, this.classes, {
      onHeard,
      onEvidence: onTrace && ((evidence, at) => onTrace(traceLine(evidence, at))),
      onTransition: (transition) => {
        this.#transitions.push(transition);
        options.onTransition?.(transition);
      },
    });
    this.#broker = new VirtualBroker((topic, payload) => this.monitor.hear(topic, payload));
    const seed = seeded(options.seed);
    this.#fleet = new Map(this.story.devices.map((device) => [device, this.#device(device, seed)]));
    this.#begin(options);
  }

  /** Plays on for so many events; true when the run is over. */
  step(eventsMax = Infinity): boolean {
    if (this.#isOver) return true;
    if (!this.clock.run(this.story.durationMs, eventsMax)) return false;
    this.#isOver = true;
    this.monitor.end();
    return true;
  }

  /** What the detector made of it so far. */
  evaluate(): Evaluation {
    return evaluate(this.#truth, this.#transitions, { from: VIRTUAL_START_AT, to: this.clock.epochMs() });
  }

  summary(): VirtualSummary {
    const { sent, acknowledged, missed, connects, connectionsLost } = this.#tally;
    return {
      scenario: this.story.scenario,
      seed: this.story.seed,
      devices: this.story.devices.length,
      startedAt: VIRTUAL_START_AT,
      endedAt: this.clock.epochMs(),
      beats: { sent, acknowledged, missed },
      connects,
      connectionsLost,
      connectsRefused: this.#counts.refused,
      heard: this.monitor.outcomes,
      faults: this.#faults,
      serviceOutages: this.story.service.length,
      transitions: this.#transitions.length,
      scores: score(this.evaluate()),
      classes: this.classes,
    };
  }

  #device(story: DeviceStory, seed: Random): SimulatedDevice {
    const random = seed.split(`link/${story.deviceClass}/${story.number}`);
    const weather = new Weather(drawQuality(story.knobs.links, random), random);
    const link = new VirtualLink(this.clock, this.#broker, weather, this.#counts);
    const clock = erringClock(this.clock, story.knobs.clock, random.split('clock'));
    return simulatedDevice(story, link, { clock, seed: this.story.seed, tally: this.#tally });
  }

  #begin({ onTruth, onOutage }: VirtualRunOptions): void {
    for (const outage of this.story.service) {
      this.clock.setTimer(outage.fromMs, () => this.#outageBegins(outage));
      this.clock.setTimer(outage.toMs, () => this.#outageEnds(outage));
    }
    playStory(this.story, {
      clock: this.clock,
      onTruth: (line) => {
        this.#truth.push(line);
        onTruth?.(line);
      },
      onOutage: (line) => onOutage?.(line),
      perform: (device, event) => {
        if (isFault(event)) this.#faults[event.cause] = (this.#faults[event.cause] ?? 0) + 1;
        this.#fleet.get(device)?.perform(event);
      },
    });
  }

  #outageBegins({ condition }: ServiceOutage): void {
    if (condition.kind === 'monitor-blind') {
      this.monitor.goDeaf(condition.backlog);
      return;
    }
    this.#brokerOutages++;
    if (this.#brokerOutages === 1) this.#broker.stop(condition.wills);
    this.monitor.loseBacklog();
    this.monitor.goDeaf(false);
  }

  #outageEnds({ condition }: ServiceOutage): void {
    if (condition.kind === 'broker-restart' && --this.#brokerOutages === 0) this.#broker.start();
    this.monitor.hearAgain();
  }
}

/** A whole run at once. */
export function runVirtual(scenario: Scenario, options: VirtualRunOptions): VirtualSummary {
  const run = new VirtualRun(scenario, options);
  run.step();
  return run.summary();
}

function classesOf({ devices }: Story): Record<string, ClassConfig> {
  return Object.fromEntries(
    devices.map(({ deviceClass, knobs: { intervalMs, detector } }) => [
      deviceClass,
      classConfig({ ...detector, intervalMs }),
    ]),
  );
}

function checkClasses({ devices }: Story, classes: Readonly<Record<string, ClassConfig>>): void {
  const names = [...new Set(devices.map(({ deviceClass }) => deviceClass))];
  const missing = names.filter((name) => !Object.hasOwn(classes, name));
  if (missing.length > 0)
    throw new ScenarioError(missing.map((name) => `classes: the class ${name} is not told of`));
}
