/**
 * What really happened: the record a detector is judged by.
 *
 * One line per change, `{"t":…,"device":"d1","class":"meter","alive":false,"link":true,"cause":"crash"}`, sorted by
 * `t`. A device is alive while its firmware runs or sleeps as announced, whatever its network does; the state of
 * the network is beside it in `link`, so a line may repeat `alive`. `planned` marks an absence by intent (stop,
 * maintenance, retirement), which counts neither for nor against the device.
 *
 * When a whole gateway or site goes silent, a line without a device says so: `{"t":…,"site":"hill","up":false}`.
 */
import { History, type Window } from './history.ts';
import { type Cause, type DeviceStory, type Story, type StoryEvent, timeline } from './story.ts';

export interface TruthLine {
  /** Epoch milliseconds. */
  readonly t: number;
  readonly device: string;
  readonly class: string;
  readonly alive: boolean;
  readonly link: boolean;
  readonly cause: Cause;
  readonly planned?: true | undefined;
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
}

/** Beside the lines about devices: a whole gateway or site cannot be heard any more, or again. */
export interface OutageLine {
  /** Epoch milliseconds. */
  readonly t: number;
  readonly site?: string;
  readonly gateway?: string;
  readonly up: boolean;
}

export type Condition = Pick<TruthLine, 'alive' | 'link' | 'planned'>;

/** Built, with a network, and not yet switched on. */
export const BEFORE_START: Condition = { alive: false, link: true, planned: true };

/** The condition a device is in after an event. */
export function conditionAfter({ alive, link, planned }: Condition, event: StoryEvent): Condition {
  switch (event.action) {
    case 'boot':
    case 'sleep':
      return { alive: true, link };
    case 'power-off':
    case 'hang':
    case 'oversleep':
      return { alive: false, link };
    case 'stop':
    case 'maintenance':
    case 'retire':
      return { alive: false, link, planned: true };
    case 'link-down':
      return { alive, link: false, planned };
    case 'link-up':
      return { alive, link: true, planned };
  }
}

export function truthLine(device: DeviceStory, condition: Condition, cause: Cause, t: number): TruthLine {
  const { alive, link, planned } = condition;
  const { site, gateway } = device;
  return {
    t,
    device: device.device,
    class: device.deviceClass,
    alive,
    link,
    cause,
    ...(planned && { planned }),
    ...(site !== undefined && { site }),
    ...(gateway !== undefined && { gateway }),
  };
}

/** The truth of a story that is played to the millisecond, beginning at `startedAt`. */
export function truthOf(story: Story, startedAt: number): TruthLine[] {
  const conditions = new Map<DeviceStory, Condition>();
  return timeline(story).map(({ device, event }) => {
    const condition = conditionAfter(conditions.get(device) ?? BEFORE_START, event);
    conditions.set(device, condition);
    return truthLine(device, condition, event.cause, startedAt + event.atMs);
  });
}

/** Every device's conditions over time, keyed by {@link deviceKey}, in the order in which the truth names them first. */
export function truthHistories(truth: Iterable<TruthLine>): Map<string, History<Condition>> {
  const histories = new Map<string, History<Condition>>();
  for (const { t, device, class: deviceClass, alive, link, planned } of truth) {
    const key = deviceKey(deviceClass, device);
    const history = histories.get(key) ?? new History(BEFORE_START);
    histories.set(key, history);
    history.record(t, { alive, link, planned });
  }
  return histories;
}

/** A device's identity is its class and its name. */
export function deviceKey(deviceClass: string, device: string): string {
  return `${deviceClass}/${device}`;
}

/** How a device spent a window; the three sum to the window's length. */
export interface TruthUptime {
  readonly deviceClass: string;
  /** Absent in a row for the whole class. */
  readonly device?: string | undefined;
  readonly upMs: number;
  readonly downMs: number;
  /** Not yet started, stopped, under maintenance or retired. */
  readonly outMs: number;
}

/** Which side of the balance a condition counts for. */
export function truthAvailability({ alive, planned }: Condition): 'up' | 'down' | 'out' {
  if (alive) return 'up';
  return planned ? 'out' : 'down';
}

/** True uptime of every device that the truth names. */
export function truthUptime(truth: Iterable<TruthLine>, window: Window): TruthUptime[] {
  return [...truthHistories(truth)].map(([key, history]) => {
    const spent = { up: 0, down: 0, out: 0 };
    for (const { from, to, value } of history.within(window)) spent[truthAvailability(value)] += to - from;
    const [deviceClass = '', device] = key.split('/');
    return { deviceClass, device, upMs: spent.up, downMs: spent.down, outMs: spent.out };
  });
}

/** Adds device rows up to one row per class. */
export function byClass(rows: readonly TruthUptime[]): TruthUptime[] {
  const sums = new Map<string, TruthUptime>();
  for (const { deviceClass, upMs, downMs, outMs } of rows) {
    const sum = sums.get(deviceClass) ?? { deviceClass, upMs: 0, downMs: 0, outMs: 0 };
    sums.set(deviceClass, {
      deviceClass,
      upMs: sum.upMs + upMs,
      downMs: sum.downMs + downMs,
      outMs: sum.outMs + outMs,
    });
  }
  return [...sums.values()];
}
