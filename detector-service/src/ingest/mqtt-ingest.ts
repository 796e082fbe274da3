/**
 * Heartbeats from any MQTT 3.1.1 broker, by a subscription that outlives the connection.
 *
 * The session is persistent and QoS 1: what arrives at the broker while this process is away is kept there, and a
 * message is acknowledged only when the service has taken it in. MQTT.js serves one connection at a time and is
 * then thrown away, because its own reconnection has no backoff and gives up for good after a refusal.
 */
import { brokerUrls, type Clock, systemClock, type Timer } from '@slowbeat/device-sdk';
import { DEVICE_KINDS, filterFor } from '@slowbeat/device-sdk/protocol';
import {
  connect,
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
} from 'mqtt';
import type { Logger } from 'pino';
import type { InboundMessage } from '../inbound.ts';
import { ReconnectWait } from './reconnect-wait.ts';

export interface MqttIngestOptions {
  /**
   * `mqtt://`, `mqtts://`, `ws://` or `wss://`, with host and optionally port and path; several with commas between, of
   * brokers of which one serves at a time and finds the session of the other.
   */
  readonly url: string;
  /** Names the session at the broker: must stay the same over restarts, and be nobody else's. */
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly root: string;
  /** Resolves when the message is taken in; it is acknowledged then. */
  readonly handle: (message: InboundMessage) => Promise<void>;
  /** `knowsSession`: the broker remembers us, and with us, most likely, the verdicts it was given. */
  readonly onLink: (up: boolean, knowsSession: boolean) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** First and longest wait between attempts. */
  readonly reconnectMinMs?: number;
  readonly reconnectMaxMs?: number;
}

/** Short, because until a dead link is noticed every silence looks like the devices'. */
const KEEPALIVE_S = 10;
const CONNECT_MS_MAX = 10_000;
/** A connection that held for so long was good: the next trouble starts over with short waits. */
const GOOD_AFTER_MS = 10_000;
const GOODBYE_MS_MAX = 1000;

export class MqttIngest implements AsyncDisposable {
  readonly #options: MqttIngestOptions;
  readonly #clock: Clock;
  readonly #wait: ReconnectWait;
  readonly #urls: readonly [first: string, ...others: string[]];
  /** Which of them is asked, or was last. */
  #at = 0;
  /** Why those that were asked since the last wait are no use. */
  #reasons: string[] = [];
  #client: MqttClient | undefined;
  #timer: Timer | undefined;
  #isUp = false;
  #isStopped = false;
  #problem: string | undefined;

  constructor(options: MqttIngestOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#urls = brokerUrls(options.url);
    const { reconnectMinMs = 500, reconnectMaxMs = 30_000, random = Math.random } = options;
    this.#wait = new ReconnectWait({ minMs: reconnectMinMs, maxMs: reconnectMaxMs, random });
  }

  /** Begins to connect, and goes on for ever. */
  start(): void {
    this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get #url(): string {
    return this.#urls[this.#at] ?? this.#urls[0];
  }

  /** Why nothing can be heard at the moment; undefined while the subscription stands. */
  get problem(): string | undefined {
    return this.#isUp ? undefined : (this.#problem ?? `connecting to ${this.#options.url}`);
  }

  /** Publishes with QoS 1, retained unless told otherwise. Rejects when the connection ends before the broker has acknowledged. */
  publish(topic: string, payload: Uint8Array, { retain = true } = {}): Promise<void> {
    const client = this.#client;
    if (client === undefined || !this.#isUp) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error('the connection ended before the acknowledgement'));
      client.once('close', lost);
      client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) => {
        client.removeListener('close', lost);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Leaves the broker, which keeps the session. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    const client = this.#client;
    if (client === undefined) return;
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    const late = this.#clock.setTimer(GOODBYE_MS_MAX, () => client.stream.destroy());
    client.end(!client.connected);
    await closed;
    late.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #connect(): void {
    let client: MqttClient;
    try {
      client = connect(this.#url, clientOptions(this.#options));
    } catch (error) {
      this.#lost((error as Error).message, 0);
      return;
    }
    this.#client = client;
    // Every verdict on its way listens for the end of the connection.
    client.setMaxListeners(0);
    let problem: string | undefined;
    let connectedMs: number | undefined;
    client.on('error', (error: Error & { code?: unknown }) => {
      problem ??= error.message === '' ? String(error.code) : error.message;
      client.stream.destroy();
    });
    client.on('connect', (connack) => {
      connectedMs = this.#clock.now();
      this.#subscribe(client, connack, (why) => {
        problem ??= why;
      });
    });
    client.handleMessage = (packet: IPublishPacket, done) => {
      // What comes before the answer to our subscription comes out of our session: we hear already. A will among it would
      // count as one from before we heard, and be forgotten.
      if (!this.#isUp && this.#client === client) this.#hear(true);
      this.#take(packet, done);
    };
    client.once('close', () => {
      const livedMs = connectedMs === undefined ? 0 : this.#clock.now() - connectedMs;
      this.#client = undefined;
      this.#lost(
        problem ?? (connectedMs === undefined ? 'no answer' : 'the broker closed the connection'),
        livedMs,
      );
    });
  }

  #subscribe(client: MqttClient, connack: IConnackPacket, fail: (why: string) => void): void {
    const filters = DEVICE_KINDS.map((kind) => filterFor(this.#options.root, kind));
    client.subscribe(filters, { qos: 1 }, (error, granted) => {
      const refused = granted?.find(({ qos }) => qos > 2);
      if (error || refused !== undefined) {
        fail(error?.message ?? `the broker refuses the subscription to ${refused?.topic}`);
        client.stream.destroy();
        return;
      }
      if (!this.#isUp) this.#hear(connack.sessionPresent);
    });
  }

  #hear(sessionPresent: boolean): void {
    this.#isUp = true;
    this.#reasons = [];
    const { clientId, logger, onLink } = this.#options;
    logger.info({ url: this.#url, clientId, sessionPresent }, 'listening to the broker');
    onLink(true, sessionPresent);
  }

  #take({ topic, payload, retain }: IPublishPacket, done: (error?: Error) => void): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    this.#options.handle({ topic: String(topic), payload: bytes, retained: retain }).then(
      () => done(),
      // Not acknowledged, so the broker gives it to the next connection.
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #lost(why: string, livedMs: number): void {
    const wasUp = this.#isUp;
    this.#isUp = false;
    const { logger, onLink } = this.#options;
    this.#reasons.push(`${this.#url}: ${why}`);
    this.#problem = this.#reasons.join('; ');
    if (wasUp) onLink(false, false);
    if (this.#isStopped) return;
    const url = this.#url;
    if (!wasUp) this.#at = (this.#at + 1) % this.#urls.length;
    if (!wasUp && this.#reasons.length < this.#urls.length) {
      this.#connect();
      return;
    }
    this.#reasons = [];
    if (livedMs > GOOD_AFTER_MS) this.#wait.succeeded();
    const waitMs = this.#wait.nextMs();
    const { failures } = this.#wait;
    const details = { url, why: wasUp ? why : this.#problem, nextTryInMs: waitMs, attempt: failures };
    // Each of the first attempts is news, later ones come every half a minute at most.
    if (wasUp && livedMs < GOOD_AFTER_MS && failures > 2) {
      logger.warn(
        details,
        'the broker keeps ending the connection; does another client use the same client id?',
      );
    } else logger.warn(details, wasUp ? 'lost the broker' : 'cannot reach the broker');
    this.#timer = this.#clock.setTimer(waitMs, () => this.#connect());
  }
}

function clientOptions({ clientId, username, password, ca, cert, key }: MqttIngestOptions): IClientOptions {
  const given = Object.entries({ username, password, ca, cert, key }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    clientId,
    ...Object.fromEntries(given),
    clean: false,
    protocolId: 'MQTT',
    protocolVersion: 4,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_MS_MAX,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
}
