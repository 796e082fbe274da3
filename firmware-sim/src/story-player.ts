/** Plays a story on any clock: does what it says when it says, and writes down the truth of when it was done. */
import type { Clock, Timer } from '@slowbeat/device-sdk';
import { type DeviceStory, type Story, type StoryEvent, timeline } from './story.ts';
import {
  BEFORE_START,
  type Condition,
  conditionAfter,
  type OutageLine,
  type TruthLine,
  truthLine,
} from './truth.ts';

export interface Stage {
  readonly clock: Clock;
  perform(device: DeviceStory, event: StoryEvent): void;
  /** Told before the event is performed; instants never run backwards. */
  onTruth(line: TruthLine): void;
  /** In the same order. */
  onOutage?(line: OutageLine): void;
}

interface Scene {
  readonly atMs: number;
  /** @param t the instant at which it is true, epoch milliseconds */
  readonly play: (t: number) => void;
}

/** Begins now; the returned function stops what is still to come. */
export function playStory(story: Story, stage: Stage): () => void {
  const { clock } = stage;
  const scenes = [...outageScenes(story, stage), ...deviceScenes(story, stage)];
  scenes.sort((a, b) => a.atMs - b.atMs);
  const startedAt = clock.now();
  let lastTruthAt = -Infinity;
  let next = 0;
  let timer: Timer | undefined;

  const act = (): void => {
    while (true) {
      const scene = scenes[next];
      if (scene === undefined) return;
      const waitMs = startedAt + scene.atMs - clock.now();
      if (waitMs > 0) {
        timer = clock.setTimer(waitMs, act);
        return;
      }
      next++;
      lastTruthAt = Math.max(lastTruthAt, clock.epochMs());
      scene.play(lastTruthAt);
    }
  };
  act();
  return () => timer?.cancel();
}

function deviceScenes(story: Story, { onTruth, perform }: Stage): Scene[] {
  const conditions = new Map<DeviceStory, Condition>();
  return timeline(story).map(({ device, event }) => ({
    atMs: event.atMs,
    play(t) {
      const condition = conditionAfter(conditions.get(device) ?? BEFORE_START, event);
      conditions.set(device, condition);
      onTruth(truthLine(device, condition, event.cause, t));
      perform(device, event);
    },
  }));
}

function outageScenes({ outages }: Story, { onOutage }: Stage): Scene[] {
  return outages.flatMap(({ place, fromMs, toMs }) => [
    { atMs: fromMs, play: (t: number) => onOutage?.({ t, ...place, up: false }) },
    { atMs: toMs, play: (t: number) => onOutage?.({ t, ...place, up: true }) },
  ]);
}
