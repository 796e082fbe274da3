/** A seeded world of sites that go out, links that lose beats and devices that die, told to a detector. */
import { type ClassConfig, classConfig } from './class-config.ts';
import { Detector } from './detector.ts';
import type { IncidentView } from './incident.ts';
import type { Transition } from './transition.ts';

export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Whom it silences. */
  readonly hits: (device: number) => boolean;
  /** Silence begins by so much later for some members, evenly spread. */
  readonly staggerMs?: number;
  /** Members come back by so much later, evenly spread. */
  readonly returnMs?: number;
}

export interface World {
  readonly seed: number;
  readonly devices: number;
  readonly untilMs: number;
  readonly intervalMs: (device: number) => number;
  readonly loss: (device: number) => number;
  readonly place: (device: number) => { site?: string; gateway?: string };
  readonly outages: readonly Outage[];
  /** When a device dies. */
  readonly deaths?: ReadonlyMap<number, number>;
  readonly knobs?: Partial<ClassConfig>;
  /** Times in which the monitor cannot hear. */
  readonly blind?: readonly { readonly fromMs: number; readonly untilMs: number }[];
}

export interface Outcome {
  readonly transitions: readonly Transition[];
  readonly incidents: readonly IncidentView[];
  readonly states: ReadonlyMap<string, string>;
}

export const nameOf = (device: number): string => `d${device}`;

/** Mulberry32. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets the world happen. Each device announces its next beat, a tenth of its interval sooner or later. */
export function happen(world: World): Outcome {
  const random = dice(world.seed);
  const classes = { meter: classConfig({ intervalMs: 60_000, ...world.knobs }) };
  const detector = new Detector({ classes });
  const made: Transition[] = [];
  const beats = beatsOf(world, random);
  const isBlind = (at: number) =>
    (world.blind ?? []).some(({ fromMs, untilMs }) => at >= fromMs && at < untilMs);
  const steps = [
    ...(world.blind ?? []).flatMap(({ fromMs, untilMs }) => [
      { at: fromMs, up: false },
      { at: untilMs, up: true },
    ]),
    { at: world.untilMs, up: undefined },
  ];
  let next = 0;
  const advanceTo = (at: number): void => {
    for (let due = detector.nextDeadline(); due !== undefined && due <= at; due = detector.nextDeadline()) {
      made.push(...detector.advance(due));
    }
  };
  for (const step of steps) {
    for (; next < beats.at.length && (beats.at[next] as number) < step.at; next += 1) {
      const at = beats.at[next] as number;
      const device = beats.device[next] as number;
      if (isBlind(at)) continue;
      advanceTo(at);
      const evidence = { device: nameOf(device), deviceClass: 'meter', generation: 1, session: 1 };
      const seq = beats.seq[next] as number;
      const nextMs = beats.nextMs[next] as number;
      if (seq === 0) {
        const intervalMs = world.intervalMs(device);
        made.push(
          ...detector.observe({ kind: 'birth', ...evidence, intervalMs, ...world.place(device) }, at)
            .transitions,
        );
      }
      made.push(...detector.observe({ kind: 'beat', ...evidence, seq, nextMs }, at).transitions);
    }
    advanceTo(step.at);
    if (step.up !== undefined)
      made.push(...detector.observe({ kind: 'monitor', up: step.up }, step.at).transitions);
  }
  const states = new Map([...detector.devices(world.untilMs)].map(({ device, state }) => [device, state]));
  return { transitions: made, incidents: detector.incidents(), states };
}

interface Beats {
  readonly at: Float64Array;
  readonly device: Int32Array;
  readonly seq: Int32Array;
  readonly nextMs: Float64Array;
}

/** Every beat that arrives, in order. */
function beatsOf(world: World, random: () => number): Beats {
  const heard: [number, number, number, number][] = [];
  for (let device = 0; device < world.devices; device += 1) {
    const intervalMs = world.intervalMs(device);
    const loss = world.loss(device);
    const diesAt = world.deaths?.get(device) ?? Infinity;
    const outages = world.outages
      .filter(({ hits }) => hits(device))
      .map(({ fromMs, untilMs, staggerMs = 0, returnMs = 0 }) => ({
        from: fromMs + staggerMs * random(),
        until: untilMs + returnMs * random(),
      }));
    let at = Math.floor(random() * intervalMs);
    for (let seq = 0; at < Math.min(diesAt, world.untilMs); seq += 1) {
      const nextMs = Math.round(intervalMs * (0.9 + 0.2 * random()));
      const out = outages.some(({ from, until }) => at >= from && at < until);
      // The first one always arrives: a world is about devices that are known.
      if (!out && (seq === 0 || random() >= loss)) heard.push([at, device, seq, nextMs]);
      at += nextMs;
    }
  }
  const order = heard.sort((a, b) => a[0] - b[0]);
  return {
    at: Float64Array.from(order, ([at]) => at),
    device: Int32Array.from(order, ([, device]) => device),
    seq: Int32Array.from(order, ([, , seq]) => seq),
    nextMs: Float64Array.from(order, ([, , , nextMs]) => nextMs),
  };
}
