/**
 * The one place that touches what Aedes 1.2 does not document.
 *
 * Each seam says what would go wrong without it. The version is pinned; {@link assertSeams} fails at start when
 * an update has moved one of them.
 */
import { type Duplex, PassThrough } from 'node:stream';
import type { Aedes, Client, ConnectPacket, PublishPacket } from 'aedes';
import type { Parser } from 'mqtt-packet';

export type Will = PublishPacket;

const MESSAGE_ID_MAX = 65_535;

interface ClientInternals {
  readonly connackSent: boolean;
  readonly _parser: Parser;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
  /** Called when the socket has something to read, and whenever a packet is dealt with. */
  _nextBatch(): void;
  /** The will of a client whose CONNECT was accepted, until it has fired. */
  readonly will: Will | null;
  readonly _disconnected?: boolean;
  conn: { writableLength: number };
  /** While somebody waits for the socket to take more. */
  readonly _drainTimer: NodeJS.Timeout | null;
  _nextId: number;
  waitForDrain(done: (error?: Error | null) => void): void;
}

type PublishDone = (error?: Error | null) => void;

interface AedesInternals {
  readonly mq: { emit(packet: unknown, done: () => void): unknown };
  readonly clients: Record<string, Client>;
  connectedClients: number;
  counter: number;
  authorizeForward(client: Client, packet: unknown): unknown;
  publish(packet: PublishPacket, client: Client | null | PublishDone, done?: PublishDone): void;
  registerClient(client: Client): void;
  _finishRegisterClient(client: Client): void;
  unregisterClient(client: Client): void;
}

/** The way into a client of Aedes for what was read elsewhere. */
export interface Inlet {
  /** All bytes there are; null when there are none. */
  read(): Buffer | null;
  /** True once the client was told that it is logged in. */
  isLoggedIn(): boolean;
  /** The client has said something that Aedes is not shown: its keepalive begins anew. */
  heard(): void;
  /** Has a CONNECT refused for its protocol level, with return code 1: of most levels mqtt-packet makes no packet. */
  refuseLevel(): void;
  /** A whole packet for mqtt-packet's parser. */
  parse(packet: Buffer): void;
  /** Ends the connection. */
  fail(error: Error): void;
}

/**
 * Stops Aedes from reading a client's stream by itself: it takes all there is at once, whoever else waits, and judges
 * nothing by its header. `wanted` is called when Aedes has dealt with everything it was given. While `isFull`, the
 * stream gets no further than the bytes it has: the system keeps the rest, and TCP slows the client down.
 */
export function takeOverReading(
  client: Client,
  stream: Duplex,
  { wanted, isFull }: { readonly wanted: () => void; readonly isFull: () => boolean },
): Inlet {
  const inner = internals(client);
  const { _parser: parser, _nextBatch: nextBatch } = inner;
  const read = stream.read.bind(stream);
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => push(chunk, encoding) && !isFull();
  stream.read = (bytes?: number | null) => {
    if (bytes === null)
      wanted(); // Aedes asks so, Node asks with numbers
    else if (bytes !== 0 || !isFull()) return read(bytes); // 0 is how a stream reads on by itself
    return null;
  };
  stream.removeListener('readable', nextBatch);
  nextBatch(); // Aedes counts the first batch before it has come
  return {
    // The exact number: otherwise the end of the stream is told before what was read is dealt with.
    read: () => read(stream.readableLength || undefined),
    isLoggedIn: () => inner.connackSent,
    heard: () => void inner._keepaliveTimer?.refresh(),
    refuseLevel: () => parser.emit('packet', { cmd: 'connect', clientId: '', protocolVersion: 0 }),
    parse: (bytes) => parser.parse(bytes),
    fail: (error) => parser.emit('error', error),
  };
}

/** True for the will of this client, which reaches `authorizePublish` when the connection has ended. */
export function isWillOf(client: Client, packet: PublishPacket): boolean {
  return packet === internals(client).will;
}

/** True for a client that ended its session with DISCONNECT: its will does not fire. */
export function saidGoodbye(client: Client): boolean {
  return internals(client)._disconnected === true;
}

/** Writes the PUBACK of a QoS 1 message; `done` comes when the client may say more. */
export function acknowledge(client: Client, messageId: number, done: (error?: Error | null) => void): void {
  const puback = Buffer.allocUnsafe(4);
  puback.writeUInt16BE(0x4002, 0);
  puback.writeUInt16BE(messageId, 2);
  if (client.conn.write(puback)) done();
  else internals(client).waitForDrain(done);
}

/** Bytes written to this client that its socket has not taken yet. */
export function unsentBytes(client: Client): number {
  return internals(client).conn.writableLength;
}

/** What `setKeepAlive` and `fetchSubs` read later in the same log-in. */
export interface MutableConnect extends ConnectPacket {
  keepalive: number;
  clean: boolean;
}

/**
 * Lets a publisher go on as soon as its message is on its way. Aedes has it wait until every subscriber's socket
 * has taken the message, so that one subscriber that stops reading stalls every publisher until `drainTimeout`.
 * What a slow subscriber may cost is bounded by its own send buffer instead.
 */
export function detachPublishers(aedes: Aedes): void {
  const { mq } = internals(aedes);
  const emit = mq.emit.bind(mq);
  mq.emit = (packet, done) => {
    emit(packet, () => {});
    done();
    return mq;
  };
}

/** Hands a message to everybody it is for; `done` comes when it is queued or written for each of them. */
export type Distribute = (packet: PublishPacket, done: PublishDone) => void;

/**
 * Aedes' `publish`, with a `done` that waits for the sockets of subscribers: a PUBACK that follows promises nothing that
 * nobody got. Aedes by itself acknowledges first.
 */
export function distributor(aedes: Aedes): Distribute {
  const broker = internals(aedes);
  let isWriting = false;
  let waiting: (() => void)[] = [];
  // Sockets are written in immediates that are set right after authorizeForward: one turn later all of them have run.
  const nextTurn = (): void => {
    const settled = waiting;
    waiting = [];
    isWriting = false;
    if (settled.length === 0) return;
    setImmediate(() => {
      for (const done of settled) done();
    });
  };
  const forward = broker.authorizeForward.bind(aedes);
  broker.authorizeForward = (client, packet) => {
    if (!isWriting) setImmediate(nextTurn);
    isWriting = true;
    return forward(client, packet);
  };
  return (packet, done) => {
    aedes.publish(packet, (error) => {
      if (error) done(error);
      else if (isWriting) waiting.push(done);
      else done(); // only lasting sessions, which have queued it by now
    });
  };
}

/**
 * Lets Aedes publish only what somebody hears, or what is kept. To find out that nobody does costs Aedes as much as all
 * the rest of a message's way; of every client that comes or goes it tells below `$SYS`, too.
 */
export function publishWhatIsHeard(aedes: Aedes, isHeard: (packet: PublishPacket) => boolean): void {
  const broker = internals(aedes);
  const publish = broker.publish.bind(aedes);
  broker.publish = (packet, client, done) => {
    if (isHeard(packet)) publish(packet, client, done);
    else if (typeof client === 'function') client();
    else done?.();
  };
}

/** Aedes' own number of one more message. */
export function nextNumber(aedes: Aedes): number {
  const broker = internals(aedes);
  broker.counter += 1;
  return broker.counter;
}

/** A message id for one more message to this client, which Aedes will not use either for as long as there are others. */
export function nextMessageId(client: Client): number {
  const inner = internals(client);
  const messageId = inner._nextId;
  inner._nextId = messageId >= MESSAGE_ID_MAX ? 1 : messageId + 1;
  return messageId;
}

/** Cuts the client off unless its socket takes what was written to it before `drainTimeout`. */
export function awaitDrain(client: Client): void {
  const inner = internals(client);
  if (inner._drainTimer === null) inner.waitForDrain(() => {});
}

/**
 * Keeps one connection per client id, the newest. Aedes registers a client only after the one it replaces has
 * closed, which takes turns of the event loop, and then does not look again: an older log-in can end up
 * registered last, two can be, one that has closed meanwhile can be, and a connection that ends a moment later
 * strikes out the newer one with its id.
 */
export function guardRegistry(aedes: Aedes): void {
  const broker = internals(aedes);
  const unregister = broker.unregisterClient.bind(aedes);
  broker.registerClient = (client) => {
    if (client.closed) return;
    broker.clients[client.id]?.close();
    broker._finishRegisterClient(client);
  };
  broker.unregisterClient = (client) => {
    if (broker.clients[client.id] === client) {
      unregister(client);
    } else {
      broker.connectedClients -= 1;
      aedes.emit('clientDisconnect', client);
    }
  };
}

/** Throws when this is not the Aedes these seams were made for. */
export function assertSeams(aedes: Aedes): void {
  const broker = internals(aedes);
  const nobody = aedes.handle(new PassThrough());
  const client = internals(nobody);
  const called = [
    broker.mq?.emit,
    broker.publish,
    broker.registerClient,
    broker._finishRegisterClient,
    broker.unregisterClient,
    client._parser?.parse,
    client._nextBatch,
    client.waitForDrain,
  ];
  const read = ['connackSent', '_keepaliveTimer', '_drainTimer', '_nextId', '_disconnected', 'will'];
  nobody.close();
  if (called.some((it) => typeof it !== 'function') || read.some((name) => !(name in nobody))) {
    throw new Error('this version of Aedes has other internals than the ones the broker was built on');
  }
}

function internals(client: Client): ClientInternals;
function internals(aedes: Aedes): AedesInternals;
function internals(subject: Client | Aedes): unknown {
  return subject;
}
