/** What one fault does to one device, drawn from the device's own stream. */
import type { Way } from './conditions.ts';
import type { Random } from './random.ts';
import type { Fault } from './scenario.ts';
import type { Span } from './scenario-fields.ts';
import type { Cause, StoryEvent } from './story.ts';

/** A time in which the link is gone. */
export interface Loss {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cause: Cause;
  /** Packets vanish this way, and no connection breaks. Absent: the link itself decides. */
  readonly way?: Way | undefined;
}

export interface Enacted {
  readonly events: readonly StoryEvent[];
  readonly losses: readonly Loss[];
  /** When the device is back to normal; Infinity when never. */
  readonly overAtMs: number;
}

export function enact(fault: Fault, atMs: number, random: Random): Enacted {
  const { kind, forMs: span } = fault;
  const forMs = drawSpan(span, random);
  switch (kind) {
    case 'crash':
    case 'reboot':
      return absence([{ atMs, action: 'power-off', cause: kind }], atMs + forMs, 'recovery');
    case 'hang':
      return absence([{ atMs, action: 'hang', cause: kind }], atMs + forMs, 'recovery');
    case 'stop':
      return absence([{ atMs, action: 'stop', cause: kind }], atMs + forMs, 'start');
    case 'retire':
      return absence([{ atMs, action: 'retire', cause: kind }], Infinity, 'start');
    case 'maintenance':
      // It announces the longest, and is back when the work is done.
      return absence([{ atMs, action: kind, cause: kind, forMs: span?.[1] }], atMs + forMs, 'start');
    case 'sleep':
      return sleep(fault, atMs, forMs, random);
    case 'link-loss':
      return losses([{ fromMs: atMs, toMs: atMs + forMs, cause: kind }]);
    case 'flapping':
      return losses(flaps(fault, atMs, forMs, random));
  }
}

/** A length within the span, whole milliseconds; Infinity when there is none. */
export function drawSpan(span: Span | undefined, random: Random): number {
  return span === undefined ? Infinity : Math.round(random.between(span[0], span[1]));
}

function absence(leaving: readonly StoryEvent[], backAtMs: number, cause: Cause): Enacted {
  const back: StoryEvent[] = backAtMs === Infinity ? [] : [{ atMs: backAtMs, action: 'boot', cause }];
  return { events: [...leaving, ...back], losses: [], overAtMs: backAtMs };
}

function sleep(fault: Fault, atMs: number, forMs: number, random: Random): Enacted {
  const asleep: StoryEvent = { atMs, action: 'sleep', cause: 'sleep', forMs };
  const wakeAtMs = atMs + forMs;
  if (!random.chance(fault.oversleep ?? 0)) return absence([asleep], wakeAtMs, 'wake');
  const overslept: StoryEvent = { atMs: wakeAtMs, action: 'oversleep', cause: 'overslept' };
  return absence([asleep, overslept], wakeAtMs + drawSpan(fault.deadForMs, random), 'recovery');
}

function flaps(fault: Fault, atMs: number, firstMs: number, random: Random): Loss[] {
  const flapping: Loss[] = [];
  let fromMs = atMs;
  let lostMs = firstMs;
  for (let i = 0; i < (fault.times ?? 1); i++) {
    flapping.push({ fromMs, toMs: fromMs + lostMs, cause: 'flapping' });
    fromMs += lostMs + drawSpan(fault.pauseMs, random);
    lostMs = drawSpan(fault.forMs, random);
  }
  return flapping;
}

function losses(lost: readonly Loss[]): Enacted {
  return { events: [], losses: lost, overAtMs: lost.at(-1)?.toMs ?? 0 };
}
