/** Plays one drawn world against the whole core, and counts what its failures did to the verdicts. */
import { classConfig, type Transition } from '@slowbeat/detector-service/detector';
import { Replay, withAlgorithm } from '@slowbeat/detector-service/replay';
import { DEVICE_CLASS, INTERVAL_MS } from './core-device.ts';
import type { CoreFamily } from './core-families.ts';
import { type CoreWorld, drawCoreWorld } from './core-world.ts';
import { affects, type CoreDevice, type Disturbance, isBlind, overlap } from './disturbance.ts';

export interface CoreOutcome {
  readonly deviceYears: number;
  readonly falseAlarms: number;
  readonly allowed: number;
  /** Outages of sites and gateways, by how many incidents they made: none, one, or more. */
  readonly outages: number;
  readonly unnoticed: number;
  readonly oneIncident: number;
  readonly moreIncidents: number;
  /** Incidents, and members called dead, in all of them. */
  readonly alarms: number;
  readonly membersCalledDead: number;
  /** Living devices called dead for a silence in which the monitor was blind for a while. */
  readonly blindDeaths: number;
  readonly blindTimes: number;
  /** Devices called unreachable whose way was open. */
  readonly innocents: number;
  readonly deaths: number;
  readonly missed: number;
  /** Detection times of the real deaths, in intervals: those that nothing else disturbed, and the others. */
  readonly aside: readonly number[];
  readonly amid: readonly number[];
}

const BUDGET = 1;

export function playCore(family: CoreFamily, seed: number, scale: number): CoreOutcome {
  const world = drawCoreWorld(family, seed, scale);
  const classes = {
    [DEVICE_CLASS]: classConfig({ intervalMs: INTERVAL_MS, falseAlarmsPerDeviceYear: BUDGET }),
  };
  const count = new CoreCount(world);
  const replay = new Replay({
    classes,
    contenders: [withAlgorithm(classes, 'adaptive')],
    hasTruth: true,
    onTransition: (transition) => count.judged(transition),
  });
  let told = 0;
  for (const event of world.events) {
    for (let line = world.truth[told]; line !== undefined && line.at <= event.at; line = world.truth[++told])
      replay.tell(line);
    replay.observe(event);
  }
  const { total } = replay.finish().contenders[0] ?? {};
  if (total === undefined) throw new Error('the world was silent');
  return {
    deviceYears: total.deviceYears,
    falseAlarms: total.falseAlarms,
    allowed: total.budget,
    deaths: total.deaths,
    missed: total.missed,
    ...count.result(),
  };
}

interface Watch {
  readonly device: CoreDevice;
  readonly mine: readonly Disturbance[];
  unreachable: boolean;
}

class CoreCount {
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #outages: readonly Disturbance[];
  readonly #blind: readonly Disturbance[];
  readonly #incidents = new Map<Disturbance, number>();
  readonly #detections = new Map<CoreDevice, Map<number, number>>();
  #membersCalledDead = 0;
  #blindDeaths = 0;
  #innocents = 0;

  constructor({ devices, disturbances }: CoreWorld) {
    this.#outages = disturbances.filter((one) => !isBlind(one));
    this.#blind = disturbances.filter(isBlind);
    this.#watches = new Map(
      devices.map((device) => {
        const mine = disturbances.filter((one) => affects(one, device));
        return [device.device, { device, mine, unreachable: false }];
      }),
    );
  }

  judged(transition: Transition): void {
    const watch = this.#watches.get(transition.device);
    if (watch === undefined) return;
    const { to, from, reason, noticedAt } = transition;
    if (to === 'dead' && from !== 'dead') this.#dead(watch, transition);
    else if (to !== 'dead') this.#detections.get(watch.device)?.delete(this.#deathAt(watch, noticedAt));
    if (reason === 'group-outage') this.#unreachable(watch, noticedAt);
    watch.unreachable = to === 'unreachable';
  }

  result() {
    const aside: number[] = [];
    const amid: number[] = [];
    for (const [device, detections] of this.#detections) {
      const mine = this.#watches.get(device.device)?.mine ?? [];
      for (const [diedAt, noticedAt] of detections) {
        const disturbed = mine.some((one) => overlap(one, diedAt - INTERVAL_MS, noticedAt));
        (disturbed ? amid : aside).push((noticedAt - diedAt) / INTERVAL_MS);
      }
    }
    const incidents = this.#outages.map((outage) => this.#incidents.get(outage) ?? 0);
    return {
      outages: incidents.length,
      unnoticed: incidents.filter((made) => made === 0).length,
      oneIncident: incidents.filter((made) => made === 1).length,
      moreIncidents: incidents.filter((made) => made > 1).length,
      alarms: incidents.reduce((sum, made) => sum + made, this.#membersCalledDead),
      membersCalledDead: this.#membersCalledDead,
      blindDeaths: this.#blindDeaths,
      blindTimes: this.#blind.length,
      innocents: this.#innocents,
      aside,
      amid,
    };
  }

  #dead(watch: Watch, { at, noticedAt, lastSeenAt = at }: Transition): void {
    const { device, mine } = watch;
    const diedAt = this.#deathAt(watch, noticedAt);
    if (diedAt >= 0) {
      const detections = this.#detections.get(device) ?? new Map<number, number>();
      this.#detections.set(device, detections.set(diedAt, noticedAt));
      return;
    }
    const disturbing = mine.filter((one) => overlap(one, lastSeenAt, at));
    if (disturbing.some((one) => !isBlind(one))) this.#membersCalledDead += 1;
    else if (disturbing.length > 0) this.#blindDeaths += 1;
  }

  /** An incident opens with the first of its members, and is over when there is none any more. */
  #unreachable({ mine }: Watch, at: number): void {
    const outage = mine.find((one) => !isBlind(one) && overlap(one, at - 2 * INTERVAL_MS, at));
    if (outage === undefined) this.#innocents += 1;
    else if (![...this.#watches.values()].some((other) => other.unreachable && other.mine.includes(outage))) {
      this.#incidents.set(outage, (this.#incidents.get(outage) ?? 0) + 1);
    }
  }

  /** When the device died that is dead at an instant; −1 when it lives. */
  #deathAt({ device }: Watch, at: number): number {
    return device.deaths.find(({ from, until }) => from <= at && at < until)?.from ?? -1;
  }
}
