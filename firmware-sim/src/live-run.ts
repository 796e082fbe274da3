/** Plays a scenario on a real broker: real SDK devices over real MQTT, in real time. */
import { brokerUrls, type Logger, mqttTransport, systemClock, type Transport } from '@slowbeat/device-sdk';
import { SimError } from './errors.ts';
import { type FaultLink, faultNetwork, type NetworkCounts } from './fault-network.ts';
import { type PlanOptions, planStory } from './plan.ts';
import type { Seed } from './random.ts';
import type { Scenario } from './scenario.ts';
import {
  emptyTally,
  type SimulatedDevice,
  simulatedDevice,
  type Tally,
  type World,
} from './simulated-device.ts';
import { type Cause, type DeviceStory, isFault, type Story, type StoryEvent } from './story.ts';
import { playStory } from './story-player.ts';
import type { OutageLine, TruthLine } from './truth.ts';

/**
 * How a run leaves its devices: `bye` says goodbye, so that nobody is called dead for the run being over;
 * `silent` disconnects and publishes nothing; `cut` breaks every connection as a power failure would.
 */
export type Ending = 'bye' | 'silent' | 'cut';

export interface LiveRunOptions extends PlanOptions {
  /** Broker, such as `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  /** Instead of MQTT over `url`, for TLS with own certificates; `url` then only names it in messages. */
  readonly transport?: Transport | undefined;
  /** Topic prefix; default the protocol's. */
  readonly root?: string | undefined;
  /** With `%i` number, `%c` class and `%d` device name. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly onTruth?: ((line: TruthLine) => void) | undefined;
  readonly onOutage?: ((line: OutageLine) => void) | undefined;
  readonly onEvent?: ((device: DeviceStory, event: StoryEvent) => void) | undefined;
  /** Ends the run early; what has happened until then is summarized. */
  readonly signal?: AbortSignal | undefined;
  /** Awaited at the end while the devices still run, so that what is shown then shows them as they were. */
  readonly beforeLeaving?: ((summary: RunSummary) => void | Promise<void>) | undefined;
  /** How the devices leave at the end; default `bye`. */
  readonly ending?: Ending | undefined;
  /** The run fails when nobody could connect for so long; default 10 s. */
  readonly connectPatienceMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunSummary {
  readonly scenario: string;
  readonly seed: Seed;
  readonly devices: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Before the devices were told to leave: judge up to here. Epoch milliseconds. */
  readonly endedAt: number;
  /** True when the signal ended it. */
  readonly interrupted: boolean;
  readonly beats: { readonly sent: number; readonly acknowledged: number; readonly missed: number };
  readonly connects: number;
  readonly connectionsLost: number;
  /** Connections the simulated network broke, and attempts it refused. */
  readonly connectionsCut: number;
  readonly connectsRefused: number;
  /** How often each fault struck a device. */
  readonly faults: Readonly<Partial<Record<Cause, number>>>;
}

/** The whole fleet's goodbyes share this time. */
const GOODBYE_MS = 3_000;
const CONNECT_PATIENCE_MS = 10_000;

/**
 * @throws ScenarioError when prefix and numbers make impossible names
 * @throws SimError `broker-unreachable` when nobody could connect in time
 */
export async function runLive(scenario: Scenario, options: LiveRunOptions): Promise<RunSummary> {
  const story = planStory(scenario, options);
  for (const sentence of story.unplaced) options.logger?.warn(sentence);
  const network = faultNetwork(options.transport ?? mqttTransport({ url: options.url }), systemClock);
  const { seed, root, username, password } = options;
  const logger = options.logger && whispering(options.logger);
  const world: World = { clock: systemClock, seed, tally: emptyTally(), root, username, password, logger };
  const fleet = new Map(
    story.devices.map((device) => {
      const link = network.link();
      return [device, { device: simulatedDevice(device, link, world), link }] as const;
    }),
  );
  const faults: Partial<Record<Cause, number>> = {};
  const startedAt = Date.now();
  let stopStory = (): void => {};
  try {
    stopStory = playStory(story, {
      clock: systemClock,
      onTruth: (line) => options.onTruth?.(line),
      onOutage: (line) => options.onOutage?.(line),
      perform(device, event) {
        if (isFault(event)) faults[event.cause] = (faults[event.cause] ?? 0) + 1;
        fleet.get(device)?.device.perform(event);
        options.onEvent?.(device, event);
      },
    });
    const interrupted = await untilOver(story.durationMs, world.tally, options);
    stopStory();
    const summary = summarize(story, world.tally, network.counts, {
      startedAt,
      endedAt: Date.now(),
      interrupted,
      faults,
    });
    await options.beforeLeaving?.(summary);
    await leave(fleet.values(), options.ending ?? 'bye');
    return summary;
  } finally {
    stopStory();
    await leave(fleet.values(), 'cut');
  }
}

/** What devices warn of is what the story does to them: of interest only to who debugs a story. */
function whispering(logger: Logger): Logger {
  const debug = (message: string): void => logger.debug(message);
  return { debug, info: debug, warn: debug, error: debug };
}

interface Seat {
  readonly device: SimulatedDevice;
  readonly link: FaultLink;
}

async function leave(fleet: Iterable<Seat>, ending: Ending): Promise<void> {
  await Promise.all([...fleet].map((seat) => leaveSeat(seat, ending)));
}

async function leaveSeat({ device, link }: Seat, ending: Ending): Promise<void> {
  if (device.isRunning && ending !== 'cut') {
    if (ending === 'silent') link.hangUp();
    const left = ending === 'silent' ? Promise.resolve() : device.stop(GOODBYE_MS);
    await within(
      GOODBYE_MS,
      left.then(() => link.drained()),
    );
  }
  device.halt();
}

/** Resolves with the promise, or after `timeoutMs` without it. */
function within(timeoutMs: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.setTimer(timeoutMs, resolve);
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** False when the time is up, true when the signal came first. */
function untilOver(durationMs: number, tally: Tally, options: LiveRunOptions): Promise<boolean> {
  const { url, signal, connectPatienceMs = CONNECT_PATIENCE_MS } = options;
  return new Promise((resolve, reject) => {
    const over = systemClock.setTimer(durationMs, () => settle(() => resolve(false)));
    const patience = systemClock.setTimer(connectPatienceMs, () => {
      if (tally.connects === 0) settle(() => reject(unreachable(url, connectPatienceMs, tally)));
    });
    const interrupt = (): void => settle(() => resolve(true));
    const settle = (how: () => void): void => {
      over.cancel();
      patience.cancel();
      signal?.removeEventListener('abort', interrupt);
      how();
    };
    signal?.addEventListener('abort', interrupt);
    if (signal?.aborted) interrupt();
  });
}

function unreachable(url: string, patienceMs: number, { lastError }: Tally): SimError {
  const why = lastError === undefined ? '' : `: ${lastError}`;
  // Only the hosts: a URL may hold a password.
  const hosts = brokerUrls(url).map((one) => new URL(one).host);
  return new SimError(
    'broker-unreachable',
    `no device could connect to ${hosts.join(' or ')} within ${patienceMs / 1000} s${why}`,
  );
}

function summarize(
  story: Story,
  { sent, acknowledged, missed, connects, connectionsLost }: Tally,
  network: NetworkCounts,
  rest: Pick<RunSummary, 'startedAt' | 'endedAt' | 'interrupted' | 'faults'>,
): RunSummary {
  return {
    scenario: story.scenario,
    seed: story.seed,
    devices: story.devices.length,
    ...rest,
    beats: { sent, acknowledged, missed },
    connects,
    connectionsLost,
    connectionsCut: network.cut,
    connectsRefused: network.refused,
  };
}
