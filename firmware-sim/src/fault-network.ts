/** A network that fails on command: one link per device around any real transport. */
import type {
  Clock,
  Connection,
  ConnectionEvents,
  ConnectRequest,
  OutgoingMessage,
  Transport,
} from '@slowbeat/device-sdk';
import type { DeviceLink } from './device-link.ts';

export interface NetworkCounts {
  /** Connections attempted while the link was up. */
  opened: number;
  /** Attempts refused because the link was down. */
  refused: number;
  /** Connections broken without goodbye: by a lost link, lost power or a watchdog. */
  cut: number;
}

export interface FaultNetwork {
  /** The link of one device; it outlives the device's reboots. */
  link(): FaultLink;
  readonly counts: Readonly<NetworkCounts>;
}

/** Every loss is a connection that breaks, whichever way it was meant to be lost. */
export interface FaultLink extends DeviceLink {
  /** Disconnects in good order, which the device did not ask for. */
  hangUp(): void;
  /** Resolves when no connection is left. */
  drained(): Promise<void>;
}

/** @param clock of the world, not of a device */
export function faultNetwork(inner: Transport, clock: Clock): FaultNetwork {
  const counts: NetworkCounts = { opened: 0, refused: 0, cut: 0 };
  return { counts, link: () => faultLink(inner, clock, counts) };
}

function faultLink(inner: Transport, clock: Clock, counts: NetworkCounts): FaultLink {
  const open = new Set<Wire>();
  const waiting: (() => void)[] = [];
  let isUp = true;

  const cutAll = (): void => {
    counts.cut += open.size;
    for (const wire of open) wire.connection.destroy();
  };
  const deafen = (): void => {
    for (const wire of open) wire.deaf = true;
  };

  return {
    transport: {
      open(request, events) {
        if (!isUp) {
          counts.refused++;
          return refusedConnection(clock, events);
        }
        counts.opened++;
        return wireThrough(inner, request, events, open, () => {
          if (open.size === 0) for (const resolve of waiting.splice(0)) resolve();
        });
      },
    },
    down() {
      isUp = false;
      cutAll();
    },
    up() {
      isUp = true;
    },
    hang: deafen,
    powerOff() {
      deafen();
      cutAll();
    },
    hangUp() {
      for (const wire of open) wire.connection.end();
    },
    drained: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}

/** A connection that exists, and whether its device still listens. */
interface Wire {
  readonly connection: Connection;
  deaf: boolean;
}

function wireThrough(
  inner: Transport,
  request: ConnectRequest,
  events: ConnectionEvents,
  open: Set<Wire>,
  onClosed: () => void,
): Connection {
  const connection = inner.open(request, {
    opened() {
      if (!wire.deaf) events.opened();
    },
    message(topic, payload) {
      if (!wire.deaf) events.message(topic, payload);
    },
    closed(error) {
      open.delete(wire);
      onClosed();
      if (!wire.deaf) events.closed(error);
    },
  });
  const wire: Wire = { connection, deaf: false };
  open.add(wire);
  const whileHeard = (done: (error?: Error) => void) => (error?: Error) => {
    if (!wire.deaf) done(error);
  };
  return {
    publish: (message, done) => connection.publish(message, whileHeard(done)),
    subscribe: (topic, done) => connection.subscribe(topic, whileHeard(done)),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  };
}

/** An attempt that fails at once: there is no network. */
export function refusedConnection(clock: Clock, events: ConnectionEvents): Connection {
  const error = Object.assign(new Error('the simulated link is down'), { code: 'ENETUNREACH' });
  const later = (call: () => void): void => {
    clock.setTimer(0, call);
  };
  later(() => events.closed(error));
  return {
    publish: (_message: OutgoingMessage, done) => later(() => done(error)),
    subscribe: (_topic, done) => later(() => done(error)),
    end: () => {},
    destroy: () => {},
  };
}
