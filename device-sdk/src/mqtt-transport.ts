/**
 * MQTT.js behind the `Transport` port.
 *
 * MQTT.js is used for one connection at a time and then thrown away: its own reconnection has no backoff, its
 * offline queue no bound, and it sends unacknowledged messages again, which would turn old beats into signs of
 * life. Only MQTT 3.1.1 is spoken, because many brokers for small devices speak nothing else.
 */
import { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { DeviceError } from './errors.ts';
import type { TlsOptions } from './options.ts';
import { brokerUrls, firstThatAccepts } from './several-brokers.ts';
import type {
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from './transport.ts';

export interface MqttTransportOptions extends TlsOptions {
  /**
   * `mqtt://`, `mqtts://`, `ws://` or `wss://`, host, and optionally user, password, port and path; or several of these
   * with commas between, of brokers of which one serves at a time.
   */
  readonly url?: string | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };
const SECURE: ReadonlySet<string> = new Set(['mqtts', 'wss']);

/**
 * A transport over MQTT to the broker at `url`, or to the first that accepts of those.
 *
 * @throws DeviceError `invalid-option` when the URL or the TLS options cannot be meant
 */
export function mqttTransport(options: MqttTransportOptions): Transport {
  const urls = typeof options.url === 'string' ? brokerUrls(options.url) : [options.url];
  return firstThatAccepts(
    urls.map((url) => {
      const base = clientOptions(checkedUrl(url), options);
      return { open: (request, events) => openConnection(base, request, events) };
    }),
  );
}

function clientOptions(url: URL, options: TlsOptions): IClientOptions {
  const protocol = url.protocol.slice(0, -1);
  const tls = {
    ca: options.ca,
    cert: options.cert,
    key: options.key,
    rejectUnauthorized: options.rejectUnauthorized,
  };
  const given = Object.entries(tls).filter(([, value]) => value !== undefined);
  const first = given[0]?.[0];
  if (first !== undefined && !SECURE.has(protocol)) {
    throw invalid(first, `is for mqtts:// and wss:// only; the url begins with ${protocol}://`);
  }
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw invalid(options.cert === undefined ? 'cert' : 'key', 'is missing: cert and key come together');
  }
  if (options.rejectUnauthorized !== undefined && typeof options.rejectUnauthorized !== 'boolean') {
    throw invalid('rejectUnauthorized', 'must be true or false');
  }
  return {
    protocol: protocol as 'mqtt',
    // Brackets are how a URL writes an IPv6 address; sockets do without, WebSocket URLs need them.
    host: protocol.startsWith('ws') ? url.hostname : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (DEFAULT_PORTS[protocol] as number) : Number(url.port),
    path: `${url.pathname || '/'}${url.search}`,
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...Object.fromEntries(given),
  };
}

function checkedUrl(text: unknown): URL {
  const example = 'such as "mqtt://broker.example:1883" (mqtt, mqtts, ws or wss)';
  if (text === undefined) throw invalid('url', `is required, ${example}`);
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  // The value may hold a password, so no message repeats it.
  if (url === undefined || url.hostname === '') throw invalid('url', `must be a URL with a host, ${example}`);
  if (!Object.hasOwn(DEFAULT_PORTS, url.protocol.slice(0, -1))) {
    throw invalid('url', `begins with ${url.protocol}//; it must be a broker's, ${example}`);
  }
  return url;
}

function invalid(option: string, remedy: string): DeviceError {
  return new DeviceError('invalid-option', `option "${option}" ${remedy}`, { option });
}

function openConnection(base: IClientOptions, request: ConnectRequest, events: ConnectionEvents): Connection {
  let client: MqttClient;
  try {
    client = connect(forRequest(base, request));
  } catch (error) {
    return stillborn(located(base, error as Error), events);
  }
  return new MqttConnection(client, events, (error) => located(base, error));
}

/** The same error, saying where; Node's own says nothing when several addresses were tried. */
function located(base: IClientOptions, error: Error & { code?: unknown }): Error {
  const reason = error.message === '' ? String(error.code) : error.message;
  return new Error(`${base.protocol}://${base.host}:${base.port}: ${reason}`, { cause: error });
}

function forRequest(base: IClientOptions, request: ConnectRequest): IClientOptions {
  const { will } = request;
  return {
    ...base,
    clientId: request.clientId,
    ...(request.username === undefined ? {} : { username: request.username }),
    ...(request.password === undefined ? {} : { password: request.password }),
    keepalive: request.keepaliveS,
    connectTimeout: request.connectTimeoutMs,
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos, retain: false } }),
    clean: true,
    protocolId: 'MQTT',
    protocolVersion: 4,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
}

/** A certificate that cannot be read, say: MQTT.js throws, the port tells it as an end. */
function stillborn(error: Error, events: ConnectionEvents): Connection {
  setImmediate(() => events.closed(error));
  const refuse = (done: (error?: Error) => void) => setImmediate(() => done(error));
  return {
    publish: (_message, done) => refuse(done),
    subscribe: (_topic, done) => refuse(done),
    end: () => {},
    destroy: () => {},
  };
}

type Done = (error?: Error) => void;

class MqttConnection implements Connection {
  readonly #client: MqttClient;
  #open = false;
  #error: Error | undefined;

  constructor(client: MqttClient, events: ConnectionEvents, located: (error: Error) => Error) {
    this.#client = client;
    // A beat right after a birth would wait 40 ms for the delayed TCP acknowledgement, and distort its round trip.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    client.on('error', (error) => {
      this.#error ??= located(error);
      // MQTT.js reports a packet it cannot parse and goes on reading; nothing after it can be trusted.
      client.stream.destroy();
    });
    client.on('connect', () => {
      this.#open = true;
      events.opened();
    });
    client.on('message', (topic, payload, packet) => {
      // A retained message is a copy from the past; nobody probes by those.
      if (!packet.retain) events.message(topic, payload);
    });
    client.once('close', () => {
      this.#open = false;
      events.closed(this.#error);
    });
  }

  publish(message: OutgoingMessage, done: Done): void {
    const { topic, payload, qos } = message;
    this.#ask(done, (answered) => {
      this.#client.publish(topic, Buffer.from(payload), { qos, retain: false }, answered);
    });
  }

  subscribe(topic: string, done: Done): void {
    this.#ask(done, (answered) => {
      this.#client.subscribe(topic, { qos: 1 }, answered);
    });
  }

  end(): void {
    if (!this.#open) {
      this.destroy();
      return;
    }
    this.#open = false;
    // MQTT.js holds DISCONNECT back until everything in flight is answered, which may be never.
    for (const id of Object.keys(this.#client.outgoing)) this.#client.removeOutgoingMessage(Number(id));
    this.#client.end();
  }

  destroy(): void {
    this.#open = false;
    this.#client.stream.destroy();
  }

  /** MQTT.js may answer before it returns, or keep what it is given for later; the port promises neither. */
  #ask(done: Done, send: (answered: (error?: Error | null) => void) => void): void {
    if (!this.#open) {
      setImmediate(() => done(new Error('not connected')));
      return;
    }
    let returned = false;
    send((failure) => {
      const error = failure ?? undefined;
      if (returned) done(error);
      else setImmediate(() => done(error));
    });
    returned = true;
  }
}
