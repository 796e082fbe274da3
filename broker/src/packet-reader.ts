/**
 * Takes packets off a connection, one at a time when its turn comes.
 *
 * PUBLISH, which is nearly all that devices say, is taken apart here, and does not pass through Aedes: mqtt-packet makes
 * a dozen buffers of it. Anything else goes through its parser to Aedes, after a look at what that lets pass.
 */
import type { Duplex } from 'node:stream';
import type { Client, PublishPacket } from 'aedes';
import { type Inlet, takeOverReading } from './aedes-seams.ts';
import type { Connection } from './connection.ts';
import { ownBytes } from './own-bytes.ts';
import {
  fixedHeaderBytes,
  isPlainPublish,
  mayRemain,
  nameOf,
  PACKET,
  publishAt,
  qosOf,
  remainingBytes,
  typeOf,
} from './packet-bytes.ts';
import { faultOf, isOfOtherLevel } from './packet-faults.ts';
import type { Passenger, Turnstile } from './turnstile.ts';

/** A packet that fits; or the error that ends the connection before the rest of it is read. */
export type PacketJudge = (
  client: Client,
  connection: Connection,
  type: number,
  bytes: number,
) => Error | undefined;

/** Takes in a PUBLISH of QoS 0 or 1; `done` comes once, with an error that ends the connection. */
export type Publish = (
  client: Client,
  connection: Connection,
  packet: PublishPacket,
  done: (error?: Error | null) => void,
) => void;

/**
 * So many QoS 0 messages of this client were left out, because they had waited for too long; the error ends the
 * connection.
 */
export type Shed = (client: Client, messages: number) => Error | undefined;

export interface ReaderParts {
  readonly turnstile: Turnstile;
  readonly judge: PacketJudge;
  readonly publish: Publish;
  /** The client has what was sent to it under this message id, with QoS 1. */
  readonly acknowledged: (client: Client, messageId: number) => void;
  /** How long a QoS 0 message may wait for its turn after it was read; milliseconds. */
  readonly turnWaitMsMax: number;
  readonly shed: Shed;
}

/** Packets of one connection that may be under way at the same time; beyond it nothing is read. */
const AT_ONCE_MAX = 64;

const PUBACK_FIRST = PACKET.puback << 4;

const NOTHING = Buffer.alloc(0);

export class PacketReader implements Passenger {
  /** Whoever is not logged in yet stands behind the devices that are: a stampede does not hold them up. */
  isBehind = true;
  isInLine = false;
  readonly #parts: ReaderParts;
  readonly #client: Client;
  readonly #connection: Connection;
  readonly #stream: Duplex;
  readonly #inlet: Inlet;
  /** What was read and not yet handed over, from `#at` on. */
  #bytes: Buffer = NOTHING;
  #at = 0;
  /** When it was read; monotonic. */
  #readAt = 0;
  /** The stream has more to tell: bytes, or that there will be none. */
  #isReadable = false;
  /** Bytes of the packet at `#at`, once its header was found good; 0 before. */
  #length = 0;
  /** Packets handed to Aedes since it was last done with all of them. */
  #withAedes = 0;
  /** Messages that are being taken in. */
  #publishing = 0;
  /** It had to wait until fewer are under way. */
  #isHeldUp = false;
  #isPassing = false;

  constructor(client: Client, connection: Connection, parts: ReaderParts) {
    const { stream } = connection.arrival;
    this.#parts = parts;
    this.#client = client;
    this.#connection = connection;
    this.#stream = stream;
    stream.on('readable', () => {
      this.#isReadable = true;
      if (stream.readableLength === 0) this.isBehind = true; // its end, which is in no hurry
      parts.turnstile.arrive(this);
    });
    this.#inlet = takeOverReading(client, stream, {
      wanted: () => this.#wanted(),
      isFull: () => this.isBehind,
    });
  }

  pass(at: number): boolean {
    if (this.#client.closed) return false;
    this.#isPassing = true;
    const shed = this.#dropStale(at);
    const error = shed > 0 ? this.#parts.shed(this.#client, shed) : undefined;
    if (error !== undefined) this.#inlet.fail(error);
    this.#isHeldUp = this.#withAedes + this.#publishing >= AT_ONCE_MAX;
    // What was passed over may have brought to light a packet that ended the connection.
    const isThere = !this.#isHeldUp && !this.#client.closed && this.#hasPacket(at);
    if (isThere) this.#hand();
    this.#isPassing = false;
    const hasMore = this.#hasMore();
    if (!hasMore) this.isBehind = false;
    return isThere && hasMore;
  }

  /** Aedes is done with all it was given. */
  #wanted(): void {
    this.#withAedes = 0;
    this.#goOn();
  }

  readonly #published = (error?: Error | null): void => {
    this.#publishing -= 1;
    if (error) this.#inlet.fail(error);
    else if (this.#isHeldUp) this.#goOn();
  };

  #goOn(): void {
    if (!this.#isPassing && this.#hasMore()) this.#parts.turnstile.arrive(this);
  }

  #hasMore(): boolean {
    if (this.#client.closed) return false;
    if (this.#at < this.#bytes.length || (this.#isReadable && this.#stream.readableLength > 0)) return true;
    // A stream tells its end to who asks for more than it has; before, all that came was handed over.
    if (this.#isReadable) this.#inlet.read();
    this.#isReadable = false;
    return false;
  }

  /** Passes over QoS 0 messages that were read long ago; returns how many. */
  #dropStale(at: number): number {
    let dropped = 0;
    while (
      at - this.#readAt > this.#parts.turnWaitMsMax &&
      this.#at < this.#bytes.length &&
      this.#hasPacket(at) &&
      isPlainPublish(this.#bytes[this.#at] as number) &&
      qosOf(this.#bytes[this.#at] as number) === 0
    ) {
      this.#advance();
      dropped += 1;
    }
    return dropped;
  }

  /** True when a whole packet lies at `#at`. */
  #hasPacket(at: number): boolean {
    if (this.#length === 0 && !this.#knowsLength(at)) return false;
    return this.#has(this.#length, at);
  }

  /** True when the header at `#at` is there, and what it declares may come. */
  #knowsLength(at: number): boolean {
    let header = 0;
    for (let bytes = 2; header === 0; bytes += 1) {
      if (!this.#has(bytes, at)) return false;
      header = fixedHeaderBytes(this.#bytes, this.#at);
    }
    const error = this.#headerError(header);
    if (error !== undefined) {
      this.#inlet.fail(error);
      return false;
    }
    this.#length = header + remainingBytes(this.#bytes, this.#at);
    return true;
  }

  #headerError(header: number): Error | undefined {
    if (header < 0) return new Error('a length without an end');
    const remaining = remainingBytes(this.#bytes, this.#at);
    const type = typeOf(this.#bytes[this.#at] as number);
    return (
      this.#parts.judge(this.#client, this.#connection, type, remaining) ??
      (mayRemain(type, remaining) ? undefined : new Error(`${nameOf(type)} of ${remaining} bytes`))
    );
  }

  /** True when so many bytes have come that were not handed over. */
  #has(count: number, at: number): boolean {
    while (this.#bytes.length - this.#at < count) {
      const more = this.#inlet.read();
      if (more === null) {
        this.#isReadable = false;
        this.#letGo();
        return false;
      }
      const left = this.#bytes.subarray(this.#at);
      this.#bytes = left.length === 0 ? more : Buffer.concat([left, more]);
      this.#at = 0;
      this.#readAt = at;
    }
    return true;
  }

  /** Keeps of what was read the beginning of a packet, whose rest may be long in coming. */
  #letGo(): void {
    if (this.#at === 0) return;
    this.#bytes = ownBytes(this.#bytes.subarray(this.#at));
    this.#at = 0;
  }

  #hand(): void {
    const bytes = this.#bytes;
    const at = this.#at;
    const length = this.#length;
    this.#advance();
    if (!this.#inlet.isLoggedIn() || !this.#isDealtWith(bytes, at, length)) {
      this.#parse(bytes.subarray(at, at + length));
    }
  }

  /** True for a packet that needs nothing of Aedes. */
  #isDealtWith(bytes: Buffer, at: number, length: number): boolean {
    const first = bytes[at] as number;
    if (isPlainPublish(first)) {
      const packet = publishAt(bytes, at, length);
      if (packet === undefined) return false;
      this.#inlet.heard();
      this.#publishing += 1;
      this.#parts.publish(this.#client, this.#connection, packet, this.#published);
      return true;
    }
    const messageId = first === PUBACK_FIRST ? bytes.readUInt16BE(at + length - 2) : 0;
    if (messageId === 0) return false;
    this.#inlet.heard();
    this.#parts.acknowledged(this.#client, messageId);
    return true;
  }

  #parse(packet: Buffer): void {
    const type = typeOf(packet[0] as number);
    const isConnect = type === PACKET.connect;
    // What comes after it waits until it is answered: Aedes confuses an UNSUBSCRIBE and a SUBSCRIBE that overlap.
    const isAlone = isConnect || type === PACKET.subscribe || type === PACKET.unsubscribe;
    this.#withAedes = isAlone ? AT_ONCE_MAX : this.#withAedes + 1;
    if (isConnect && isOfOtherLevel(packet)) {
      this.#inlet.refuseLevel();
      return;
    }
    const fault = faultOf(packet);
    if (fault === undefined) this.#inlet.parse(packet);
    else this.#inlet.fail(new Error(fault));
  }

  #advance(): void {
    this.#at += this.#length;
    this.#length = 0;
    if (this.#at < this.#bytes.length) return;
    this.#bytes = NOTHING; // a buffer held for every idle connection is what a collector has to carry about
    this.#at = 0;
  }
}
