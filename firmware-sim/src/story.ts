/**
 * A story: what happens to each device, and when. It is plain data drawn from one seed; the live run and a run in
 * virtual time both play it.
 */
import type { BrokerRestart, MonitorBlind, Way } from './conditions.ts';
import type { DevicePlan } from './fleet.ts';
import type { Seed } from './random.ts';
import type { FaultKind } from './scenario.ts';

/**
 * What is done to a device.
 *
 * - `boot`: power comes (back): a new generation starts
 * - `power-off`: power goes: the socket breaks without goodbye
 * - `hang`: the firmware stops; the network stack keeps the socket open
 * - `sleep`, `maintenance`: it says that it is away for `forMs`, and goes
 * - `stop`, `retire`: it says goodbye, and goes
 * - `oversleep`: it does not wake when it said it would
 * - `link-down`, `link-up`: its network, and nothing else; a `link-down` while it is down changes how it is down
 */
export type Action =
  | 'boot'
  | 'power-off'
  | 'hang'
  | 'sleep'
  | 'maintenance'
  | 'stop'
  | 'retire'
  | 'oversleep'
  | 'link-down'
  | 'link-up';

/** Why: the fault behind the action, or how the device came back. */
export type Cause =
  | FaultKind
  | 'gateway-drop'
  | 'partition'
  | 'start'
  | 'recovery'
  | 'wake'
  | 'overslept'
  | 'link-back';

export interface StoryEvent {
  /** Milliseconds from the run's start. */
  readonly atMs: number;
  readonly action: Action;
  readonly cause: Cause;
  /** The announced absence, for `sleep` and `maintenance`. */
  readonly forMs?: number | undefined;
  /** For a `link-down` in which packets vanish without breaking a connection: which of them. */
  readonly way?: Way | undefined;
}

/** A time in which the monitor hears nobody, through no fault of the fleet. Virtual time only. */
export interface ServiceOutage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly condition: BrokerRestart | MonitorBlind;
}

/** A time in which nothing that a whole gateway or site says gets through. */
export interface PlaceOutage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly place: { readonly site: string } | { readonly gateway: string };
}

export interface DeviceStory extends DevicePlan {
  /** Sorted by time; the first is the boot that starts it. */
  readonly events: readonly StoryEvent[];
}

export interface Story {
  readonly scenario: string;
  readonly seed: Seed;
  readonly durationMs: number;
  readonly devices: readonly DeviceStory[];
  /** Sorted by their beginning; they may overlap. */
  readonly service: readonly ServiceOutage[];
  /** Of one place they do not overlap. */
  readonly outages: readonly PlaceOutage[];
  /** Scripted faults that found fewer free devices than they ask for, one sentence each. */
  readonly unplaced: readonly string[];
}

/** False for what only puts things right again. */
export function isFault({ action }: StoryEvent): boolean {
  return action !== 'boot' && action !== 'link-up';
}

/** Every event of every device in the order in which they happen; ties by the fleet's order. */
export function timeline(story: Story): { readonly device: DeviceStory; readonly event: StoryEvent }[] {
  return story.devices
    .flatMap((device) => device.events.map((event) => ({ device, event })))
    .sort((a, b) => a.event.atMs - b.event.atMs);
}
