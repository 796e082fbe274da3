/** Plays a story on any clock: does what it says when it says, and writes down the truth of when it was done. */
import type { Clock, Timer } from '@slowbeat/device-sdk';
import { type DeviceStory, type Story, type StoryEvent, timeline } from './story.ts';
import { BEFORE_START, type Condition, conditionAfter, type TruthLine, truthLine } from './truth.ts';

export interface Stage {
  readonly clock: Clock;
  perform(device: DeviceStory, event: StoryEvent): void;
  /** Told before the event is performed; instants never run backwards. */
  onTruth(line: TruthLine): void;
}

/** Begins now; the returned function stops what is still to come. */
export function playStory(story: Story, { clock, perform, onTruth }: Stage): () => void {
  const scenes = timeline(story);
  const conditions = new Map<DeviceStory, Condition>();
  const startedAt = clock.now();
  let lastTruthAt = -Infinity;
  let next = 0;
  let timer: Timer | undefined;

  const act = (): void => {
    while (true) {
      const scene = scenes[next];
      if (scene === undefined) return;
      const { device, event } = scene;
      const waitMs = startedAt + event.atMs - clock.now();
      if (waitMs > 0) {
        timer = clock.setTimer(waitMs, act);
        return;
      }
      next++;
      const condition = conditionAfter(conditions.get(device) ?? BEFORE_START, event);
      conditions.set(device, condition);
      lastTruthAt = Math.max(lastTruthAt, clock.epochMs());
      onTruth(truthLine(device, condition, event.cause, lastTruthAt));
      perform(device, event);
    }
  };
  act();
  return () => timer?.cancel();
}
