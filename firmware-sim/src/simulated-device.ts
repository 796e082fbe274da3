/**
 * One device of a simulated fleet: the real SDK, with power, firmware and network that fail on command.
 *
 * Every boot makes a new SDK device, as power does on real hardware. What the faults reach is its clock and its
 * link, so the SDK notices of its own death as little as real firmware would.
 */
import { type Clock, createDevice, type Device, type Logger, type Transport } from '@slowbeat/device-sdk';
import { type DeviceClock, deviceClock } from './device-clock.ts';
import type { DeviceLink } from './device-link.ts';
import { expand } from './fleet.ts';
import { type Random, type Seed, seeded } from './random.ts';
import type { DeviceStory, StoryEvent } from './story.ts';

/** What all devices of a run share. */
export interface World {
  readonly clock: Clock;
  readonly seed: Seed;
  readonly tally: Tally;
  /** Topic prefix; default the protocol's. */
  readonly root?: string | undefined;
  /** With `%i` number, `%c` class and `%d` device name. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly logger?: Logger | undefined;
}

/** Counted over the whole fleet. */
export interface Tally {
  /** Beats handed to the network. */
  sent: number;
  /** Beats the broker has: acknowledged with QoS 1, written with QoS 0. */
  acknowledged: number;
  /** Planned beats that a running device could not send, or that were not acknowledged. */
  missed: number;
  /** Connections the broker accepted. */
  connects: number;
  /** Connections that ended without the device asking for it, as the device saw it. */
  connectionsLost: number;
  /** Why a connection failed, the latest. */
  lastError?: string | undefined;
}

export function emptyTally(): Tally {
  return { sent: 0, acknowledged: 0, missed: 0, connects: 0, connectionsLost: 0 };
}

export interface SimulatedDevice {
  readonly isRunning: boolean;
  perform(event: StoryEvent): void;
  /** Says goodbye; resolves when that is through or `timeoutMs` is over. At once when it does not run. */
  stop(timeoutMs: number): Promise<void>;
  /** Takes its power. */
  halt(): void;
}

export function simulatedDevice(story: DeviceStory, link: DeviceLink, world: World): SimulatedDevice {
  const stream = seeded(world.seed).split(`jitter/${story.deviceClass}/${story.number}`);
  let boots = 0;
  let running: { readonly device: Device; readonly clock: DeviceClock } | undefined;

  const halt = (): void => {
    running?.clock.stop();
    link.powerOff();
    running = undefined;
  };
  const boot = (): void => {
    halt();
    const clock = deviceClock(world.clock);
    const device = build(story, link.transport, clock, stream.split(`boot/${++boots}`), world);
    running = { device, clock };
    device.start();
  };

  return {
    get isRunning() {
      return running !== undefined;
    },
    perform({ action, forMs, way }) {
      switch (action) {
        case 'boot':
          return boot();
        case 'power-off':
          return halt();
        case 'hang':
          running?.clock.stop();
          running = undefined;
          return link.hang();
        case 'sleep':
          return void running?.device.stop({ ...(forMs !== undefined && { sleepFor: forMs }) });
        case 'maintenance':
          return void running?.device.stop({ ...(forMs !== undefined && { maintenanceFor: forMs }) });
        case 'stop':
          return void running?.device.stop();
        case 'retire':
          return void running?.device.stop({ retire: true });
        case 'link-down':
          return link.down(way);
        case 'link-up':
          return link.up();
        case 'oversleep':
          return;
      }
    },
    async stop(timeoutMs) {
      await running?.device.stop({ timeout: timeoutMs });
    },
    halt,
  };
}

function build(
  { device, deviceClass, number, site, gateway, knobs }: DeviceStory,
  transport: Transport,
  clock: Clock,
  random: Random,
  { root, username, password, logger, tally }: World,
): Device {
  const values = { i: String(number), c: deviceClass, d: device };
  const sdk = createDevice({
    deviceId: device,
    class: deviceClass,
    interval: knobs.intervalMs,
    jitter: knobs.jitter,
    connection: knobs.connection,
    qos: knobs.qos,
    encoding: knobs.encoding,
    // A device that beats every second does not wait two minutes to try again.
    reconnect: {
      minMs: Math.min(1000, knobs.intervalMs / 2),
      maxMs: Math.min(120_000, 2 * knobs.intervalMs),
    },
    site,
    gateway,
    root,
    username: username === undefined ? undefined : expand(username, values),
    password: password === undefined ? undefined : expand(password, values),
    firmware: 'slowbeat-sim',
    logger,
    transport,
    clock,
    random: random.next,
  });
  count(sdk, tally);
  return sdk;
}

function count(sdk: Device, tally: Tally): void {
  sdk.on('connect', () => {
    tally.connects++;
  });
  sdk.on('offline', () => {
    tally.connectionsLost++;
  });
  sdk.on('beat', () => {
    tally.sent++;
    tally.acknowledged++;
  });
  sdk.on('missed', ({ reason }) => {
    tally.missed++;
    if (reason === 'not-acknowledged') tally.sent++;
  });
  sdk.on('error', ({ error }) => {
    tally.lastError = error.message;
  });
}
