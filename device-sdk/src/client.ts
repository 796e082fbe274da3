/**
 * A device: one connection, one heart, and what to do when either fails.
 *
 * The loop is callbacks on an injected clock and transport, so that virtual time drives this very code. Handlers
 * act first and tell their listeners last: a listener may call back into the device.
 */
import { Backoff } from './backoff.ts';
import type { Timer } from './clock.ts';
import type { Device } from './device.ts';
import { DeviceMessages } from './device-messages.ts';
import { DeviceError } from './errors.ts';
import { type DeviceEventName, type DeviceEvents, Emitter, type Listener } from './events.ts';
import { Farewell } from './farewell.ts';
import { Heart } from './heart.ts';
import { Link, type LinkEnd } from './link.ts';
import {
  checkedGoodbye,
  checkedIntervalMs,
  type DeviceSettings,
  type Goodbye,
  settingsFrom,
} from './option-check.ts';
import type { DeviceOptions, StopOptions } from './options.ts';
import { decode } from './protocol/index.ts';

/** Attempts that a sleeping device makes per wake-up before it saves its battery for the next one. */
const WAKE_ATTEMPTS_MAX = 3;

/** A sleeping device says birth again after so long, so that a detector that lost its memory learns its site. */
const BIRTH_AGE_MS_MAX = 86_400_000;

/**
 * Makes a device; nothing is sent before `start()`.
 *
 * @throws DeviceError `invalid-option`, naming the option and the remedy
 */
export function createDevice(options: DeviceOptions): Device {
  return new SlowbeatDevice(settingsFrom(options));
}

class SlowbeatDevice implements Device {
  readonly #settings: DeviceSettings;
  readonly #events = new Emitter<DeviceEvents>();
  readonly #messages: DeviceMessages;
  readonly #backoff: Backoff;
  readonly #link: Link;
  readonly #heart: Heart;

  #phase: 'new' | 'running' | 'stopping' | 'stopped' = 'new';
  #session = 0;
  #answering = false;
  #retryTimer: Timer | undefined;
  /** `per-beat`: the wake-up under way; none while asleep. */
  #wake: { attempts: number; sent: boolean } | undefined;
  #farewell: Farewell | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: DeviceSettings) {
    const { reconnectMinMs, reconnectMaxMs, random, transport, clock, ackTimeoutMs } = settings;
    this.#settings = settings;
    this.#messages = new DeviceMessages(settings);
    this.#backoff = new Backoff(reconnectMinMs, reconnectMaxMs, random);
    this.#link = new Link(transport, clock, ackTimeoutMs, {
      up: () => this.#up(),
      message: (topic, payload) => this.#message(topic, payload),
      down: (end) => this.#down(end),
    });
    this.#heart = new Heart(settings, this.#messages, this.#link, {
      due: () => this.#due(),
      answered: () => this.#sleepWhenAnswered(),
      beat: (event) => this.#emit('beat', event),
      missed: (event) => {
        settings.logger?.warn(`beat ${event.seq} of ${settings.deviceId} is lost: ${event.reason}`);
        this.#emit('missed', event);
      },
    });
  }

  get id(): string {
    return this.#settings.deviceId;
  }

  get deviceClass(): string {
    return this.#settings.deviceClass;
  }

  get generation(): number {
    return this.#settings.generation;
  }

  get connected(): boolean {
    return this.#link.state === 'up';
  }

  on<Name extends DeviceEventName>(name: Name, listener: Listener<DeviceEvents[Name]>): () => void {
    return this.#events.on(name, listener);
  }

  start(): void {
    if (this.#phase === 'running') return;
    if (this.#phase !== 'new') {
      throw new DeviceError(
        'stopped',
        `device "${this.id}" has been stopped; make a new one with createDevice()`,
      );
    }
    this.#phase = 'running';
    this.#heart.plan();
    if (this.#settings.perBeat) this.#wakeUp();
    else this.#connect();
  }

  stop(options: StopOptions = {}): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    let goodbye: Goodbye;
    try {
      goodbye = checkedGoodbye(options);
    } catch (error) {
      return Promise.reject(error);
    }
    let resolve = (): void => {};
    this.#stopped = new Promise((resolved) => {
      resolve = resolved;
    });
    this.#leave(goodbye, resolve);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  beatNow(): boolean {
    if (this.#phase !== 'running') return false;
    if (this.#settings.perBeat) {
      if (this.#wake === undefined) this.#wakeUp();
      return !this.#wake?.sent;
    }
    if (this.connected) this.#heart.beat(this.#session);
    return this.connected;
  }

  setInterval(interval: number | string): void {
    this.#heart.intervalMs = checkedIntervalMs(interval);
  }

  #emit<Name extends DeviceEventName>(name: Name, event: DeviceEvents[Name]): void {
    if (this.#phase !== 'stopped') this.#events.emit(name, event);
  }

  #due(): void {
    if (this.#settings.perBeat) {
      this.#heart.plan();
      // The wake-up before has come to nothing yet: its attempts go on, and this beat is lost.
      if (this.#wake === undefined) this.#wakeUp();
      else this.#heart.skip();
    } else if (this.connected) {
      this.#heart.beat(this.#session);
    } else {
      this.#heart.plan();
      this.#heart.skip();
    }
  }

  #connect(): void {
    const { clientId, username, password, keepaliveS, connectTimeoutMs, perBeat } = this.#settings;
    // Failed attempts count too: the broker may have accepted one whose answer was lost, and hold its will.
    this.#session += 1;
    // A device that sleeps between beats is always about to be gone; a will would say nothing but that.
    const will = perBeat ? undefined : this.#messages.will(this.#session);
    this.#link.open({ clientId, username, password, keepaliveS, connectTimeoutMs, will });
  }

  #up(): void {
    const session = this.#session;
    this.#settings.logger?.info(`${this.id} is connected, session ${session}`);
    if (this.#farewell !== undefined) {
      this.#farewell.up();
    } else if (this.#settings.perBeat) {
      if (this.#heart.birthAgeMs >= BIRTH_AGE_MS_MAX) this.#heart.birthDue = true;
      if (this.#wake !== undefined) this.#wake.sent = true;
      this.#heart.beat(session);
    } else {
      this.#heart.birthDue = true;
      this.#heart.beat(session);
      this.#subscribe();
    }
    this.#emit('connect', { session });
  }

  #down(end: LinkEnd): void {
    if (this.#farewell !== undefined) {
      this.#farewell.down();
      return;
    }
    if (end.asked) {
      this.#fallAsleep();
      return;
    }
    const session = this.#session;
    const error = failure(end);
    this.#settings.logger?.warn(`${this.id}: ${error.message}`);
    const wake = this.#wake;
    const delayMs = this.#scheduleRetry(end.livedMs);
    const attempt = this.#backoff.attempt;
    if (end.wasUp) this.#emit('offline', { session, error });
    else this.#emit('error', { error });
    if (delayMs !== undefined) this.#emit('reconnect', { attempt, delayMs });
    else if (wake?.sent === false) this.#heart.skip();
  }

  /** The wait before the next attempt; undefined when a sleeping device has made enough of them. */
  #scheduleRetry(livedMs: number): number | undefined {
    if (this.#wake !== undefined) {
      if (this.#wake.attempts >= WAKE_ATTEMPTS_MAX) {
        this.#fallAsleep();
        return undefined;
      }
      this.#wake.attempts += 1;
    }
    const delayMs = this.#backoff.nextDelayMs(livedMs);
    this.#retryTimer = this.#settings.clock.setTimer(delayMs, () => this.#connect());
    return delayMs;
  }

  #wakeUp(): void {
    this.#wake = { attempts: 1, sent: false };
    this.#connect();
  }

  #sleepWhenAnswered(): void {
    if (this.#phase === 'running' && this.#wake?.sent && this.connected && this.#link.idle)
      this.#link.close();
  }

  #fallAsleep(): void {
    this.#wake = undefined;
    this.#backoff.reset();
  }

  #subscribe(): void {
    const topic = this.#messages.pingTopic;
    this.#link.subscribe(topic, (cause) => {
      if (cause === undefined || !this.connected) return;
      const text = `the broker refused the subscription to ${topic}, so no probe is answered: ${cause.message}`;
      this.#settings.logger?.warn(text);
      this.#emit('error', { error: new DeviceError('subscribe-failed', text, { cause }) });
    });
  }

  #message(topic: string, payload: Uint8Array): void {
    // One answer at a time: a flood of probes must not become a flood of answers.
    if (topic !== this.#messages.pingTopic || this.#answering || this.#phase !== 'running') return;
    const ping = decode('ping', payload);
    if (!ping.ok) {
      this.#settings.logger?.debug(`a probe is ignored: ${ping.detail}`);
      return;
    }
    const { nonce } = ping.message;
    this.#answering = true;
    this.#link.publish(this.#messages.pong(this.#session, nonce), () => {
      this.#answering = false;
    });
    this.#emit('ping', nonce === undefined ? {} : { nonce });
  }

  #leave({ bye, timeoutMs }: Goodbye, resolve: () => void): void {
    const wasRunning = this.#phase === 'running';
    this.#phase = 'stopping';
    this.#heart.stop();
    this.#retryTimer?.cancel();
    const finished = (byeAcknowledged: boolean): void => {
      this.#emit('stopped', { byeAcknowledged });
      this.#phase = 'stopped';
      resolve();
    };
    if (!wasRunning) {
      finished(false);
      return;
    }
    this.#farewell = new Farewell(this.#link, this.#settings.clock, timeoutMs, {
      connect: () => this.#connect(),
      introduce: () => this.#heart.birth(this.#session),
      bye: () => this.#messages.bye(this.#session, bye),
      finished,
    });
    this.#farewell.begin();
  }
}

function failure({ wasUp, error }: LinkEnd): DeviceError {
  if (error instanceof DeviceError) return error;
  const why = error?.message ?? 'the broker closed it';
  return wasUp
    ? new DeviceError('connection-lost', `the connection ended: ${why}`, { cause: error })
    : new DeviceError('connect-failed', `cannot connect: ${why}`, { cause: error });
}
