/** What clients that are in may say, and the way of every message from its connection to the detector and to its subscribers. */
import type { Client, PublishPacket } from 'aedes';
import { type AccessRules, decide, type Verdict } from './access.ts';
import { acknowledge, type Distribute, isWillOf } from './aedes-seams.ts';
import type { BrokerConfig } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import { NOBODY } from './identity.ts';
import type { Ingest, Taken } from './ingest.ts';
import type { Ledger } from './ledger.ts';
import { nameOf, PACKET } from './packet-bytes.ts';
import type { PacketJudge, Publish, Shed } from './packet-reader.ts';
import { levelsOf } from './topic-filter.ts';

export interface TrafficParts {
  readonly config: BrokerConfig;
  readonly rules: AccessRules;
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly ingest: Ingest;
  readonly now: () => number;
  /** Hands a message to its subscribers before it is acknowledged, or a will; while no other broker has taken over. */
  readonly distribute: Distribute;
  /** Hands on a message that promises nothing. */
  readonly pass: Distribute;
  /** A will was taken in and handed over, or refused for the reason given: `internal` when it could not be handed over. */
  readonly willSettled: (client: Client, will: PublishPacket, refused: Refusal['reason'] | undefined) => void;
}

/** Comes once; with an error where there is something to refuse. */
type Answer = (error?: Error | null) => void;

/** Packets a client sends of its own accord, paced like messages; acknowledgements follow what it receives. */
function isPaced(type: number): boolean {
  return (
    type === PACKET.subscribe ||
    type === PACKET.unsubscribe ||
    type === PACKET.pingreq ||
    type === PACKET.pubrel
  );
}

export class Traffic {
  readonly #parts: TrafficParts;
  readonly #rules: AccessRules;
  #closing = false;
  /** Messages on their way to subscribers whose PUBACK waits for that. */
  #handing = 0;
  readonly #idle: (() => void)[] = [];
  /** Packets of any kind, from the CONNECT on. */
  packetsReceived = 0;
  publishesReceived = 0;
  messagesTaken = 0;
  willsTaken = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
  }

  /** From now on nothing is taken any more, and no will is published: the fleet is not dead, the broker leaves. */
  close(): void {
    this.#closing = true;
  }

  /** Resolves when every message received so far was taken in and handed over, or refused. */
  async whenIdle(): Promise<void> {
    await this.#parts.ingest.whenIdle();
    if (this.#handing > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Judges a packet by its header: size and pace. */
  readonly judge: PacketJudge = (client, connection, type, bytes) => {
    this.packetsReceived += 1;
    if (type === PACKET.publish) this.publishesReceived += 1;
    const { config, now } = this.#parts;
    const { limits } = config;
    connection.lastPacketAt = now();
    if (type === PACKET.connect || connection.clientId === undefined) {
      const max = limits.connectPacketBytesMax;
      if (bytes > max) return this.#refuse(client, 'connect-too-large', `${bytes} bytes; at most ${max}`);
    } else if (bytes > limits.packetBytesMax) {
      return this.#refuse(client, 'packet-too-large', `${bytes} bytes; at most ${limits.packetBytesMax}`);
    }
    if (isPaced(type) && !connection.rate.take(connection.lastPacketAt)) {
      return this.#refuse(client, 'rate-limit', `by ${nameOf(type)}`);
    }
    return undefined;
  };

  /** QoS 0 messages of this client were left out, because they had waited for too long. They were sent all the same. */
  readonly shed: Shed = (client, messages) => {
    const { connections, ledger, now } = this.#parts;
    ledger.refuse('overload-shed', connections.circumstances(client), messages);
    const connection = connections.of(client);
    // Verdicts and pings, all that a detector publishes, are not paced.
    if (connection === undefined || connection.proof?.identity.role === 'detector') return undefined;
    if (connection.rate.take(now(), messages)) return undefined;
    return this.#refuse(client, 'rate-limit', 'by publish');
  };

  /**
   * A PUBLISH of QoS 0 or 1. One of QoS 1 is acknowledged once it has been taken in by the tap and handed to its
   * subscribers, so that a PUBACK says as much. `done` comes once, with an error when the connection is to end.
   */
  readonly publish: Publish = (client, connection, packet, done) => {
    try {
      this.#publish(client, connection, packet, done);
    } catch (error) {
      done(this.#refuse(client, 'internal', String(error), packet.topic));
    }
  };

  #publish(client: Client, connection: Connection, packet: PublishPacket, done: Answer): void {
    this.#takeIn(client, connection, packet, false, (refusal) => {
      if (refusal !== undefined) done(refusal);
      else if (packet.qos === 0) this.#pass(client, packet, done);
      else {
        this.#handOver(client, connection, packet, (error) => {
          if (error) done(error);
          else acknowledge(client, packet.messageId as number, done);
        });
      }
    });
  }

  /**
   * Aedes' `authorizePublish`: for a message of QoS 2, which Aedes itself publishes and acknowledges, and for a will when
   * its connection has ended.
   */
  authorizePublish(client: Client | null, packet: PublishPacket, reply: Answer): void {
    const connection = client === null ? undefined : this.#parts.connections.of(client);
    if (client === null || connection === undefined) {
      reply(new Refusal('internal', 'a message from nowhere'));
      return;
    }
    if (isWillOf(client, packet)) {
      this.#publishWill(client, connection, packet, reply);
      return;
    }
    this.#takeIn(client, connection, packet, false, (refusal) => {
      // A client that has gone meanwhile gets no acknowledgement, at which Aedes would drop what was taken in.
      if (refusal === undefined && client.closed) this.#handOver(client, connection, packet, reply);
      else reply(refusal);
    });
  }

  /** Answers with a refusal in any case: what was handed over here Aedes is not to publish once more. */
  #publishWill(client: Client, connection: Connection, will: PublishPacket, reply: Answer): void {
    if (this.#closing || connection.dismissed) {
      reply(new Refusal('closing', 'no wills: the broker leaves, its clients are not dead'));
      return;
    }
    const settle: Answer = (refusal) => {
      this.#parts.willSettled(client, will, refusal instanceof Refusal ? refusal.reason : undefined);
      reply(refusal);
    };
    this.#takeIn(client, connection, will, true, (refusal) => {
      if (refusal === undefined) this.#handOver(client, connection, will, settle);
      else settle(refusal);
    });
  }

  /** Has a message checked and, where it is for the detector, taken in by it. */
  #takeIn(
    client: Client,
    connection: Connection,
    packet: PublishPacket,
    isWill: boolean,
    proceed: (refusal?: Refusal) => void,
  ): void {
    if (this.#closing) {
      proceed(this.#refuse(client, 'closing', 'not taken in'));
      return;
    }
    const { ingest, now } = this.#parts;
    const receivedAt = now();
    packet.dup = false; // said to the broker; to a subscriber it is new (section 3.3.1.1)
    const checked = this.#check(client, connection, packet, isWill, receivedAt);
    if (checked !== 'for-the-detector') {
      proceed(checked === 'for-others' ? undefined : checked);
      return;
    }
    const { topic } = packet;
    const payload = packet.payload as Buffer;
    const mayShed = packet.qos === 0 && !isWill;
    ingest.take(connection.lane, { topic, payload, retained: false, receivedAt }, mayShed, (taken) => {
      if (taken === 'taken') this.noteTaken(isWill);
      else this.#noteLost(client, topic, taken);
      proceed(taken instanceof Refusal ? taken : undefined);
    });
  }

  /** Nobody waits for a message of QoS 0 to be handed over. */
  #pass(client: Client, packet: PublishPacket, done: Answer): void {
    this.#parts.pass(packet, (error) => {
      if (error) this.#refuse(client, 'internal', error.message, packet.topic, 'goes-on');
    });
    done();
  }

  #handOver(client: Client, connection: Connection, packet: PublishPacket, answer: Answer): void {
    this.#handing += 1;
    connection.handing += 1;
    this.#parts.distribute(packet, (error) => {
      this.#handing -= 1;
      connection.handing -= 1;
      if (this.#handing === 0) for (const resolve of this.#idle.splice(0)) resolve();
      if (error) answer(this.#refuse(client, 'internal', error.message, packet.topic));
      else
        answer(client.closed ? new Refusal('closing', 'the client left before its acknowledgement') : null);
    });
  }

  /** Checks everything about a message but whether the detector takes it. */
  #check(
    client: Client,
    connection: Connection,
    packet: PublishPacket,
    isWill: boolean,
    at: number,
  ): 'for-the-detector' | 'for-others' | Refusal {
    const { limits } = this.#parts.config;
    const { topic, payload } = packet;
    const verdict = isWill
      ? decide(connection.proof?.identity ?? NOBODY, 'will', topic, this.#rules)
      : this.#verdictOnPublish(connection, topic);
    if (topic.length > limits.topicLengthMax) {
      return this.#refuse(
        client,
        'topic-too-long',
        `${topic.length} characters; at most ${limits.topicLengthMax}`,
      );
    }
    if (!verdict.allowed) {
      return this.#refuse(client, isWill ? 'will-refused' : 'publish-refused', verdict.reason, topic);
    }
    if (payload.length > limits.payloadBytesMax) {
      const detail = `${payload.length} bytes; at most ${limits.payloadBytesMax}`;
      return this.#refuse(client, 'payload-too-large', detail, topic);
    }
    if (verdict.kind === 'state') return 'for-others';
    if (verdict.kind === 'ping') {
      packet.retain = false;
      return 'for-others';
    }
    if (!isWill && !connection.rate.take(at)) return this.#refuse(client, 'rate-limit', 'by publish', topic);
    if (verdict.kind === undefined) {
      // Unlike those of the scheme it may have any number of them; Aedes' tree of topics has a bound.
      const levels = levelsOf(topic);
      if (levels <= limits.topicLevelsMax) return 'for-others';
      return this.#refuse(client, 'topic-too-long', `${levels} levels; at most ${limits.topicLevelsMax}`);
    }
    // A retained heartbeat would look alive for ever to whoever subscribes later.
    packet.retain = false;
    return 'for-the-detector';
  }

  /** A device says one thing on one topic for ever, and who it is does not change while it is connected. */
  #verdictOnPublish(connection: Connection, topic: string): Verdict {
    if (connection.spoken?.topic !== topic) {
      const verdict = decide(connection.proof?.identity ?? NOBODY, 'publish', topic, this.#rules);
      connection.spoken = { topic, verdict };
    }
    return connection.spoken.verdict;
  }

  /** The tap has taken a message in. */
  noteTaken(isWill: boolean): void {
    this.messagesTaken += 1;
    if (isWill) this.willsTaken += 1;
  }

  /** Counts why the tap has not got a message. */
  #noteLost(client: Client, topic: string, lost: Exclude<Taken, 'taken'>): void {
    const { ledger, connections } = this.#parts;
    const [reason, detail] =
      lost === 'shed' ? (['tap-shed', undefined] as const) : [lost.reason, lost.message];
    ledger.refuse(reason, connections.circumstances(client, { topic, detail }));
  }

  /** `goes-on`: the connection does not end of it. */
  #refuse(
    client: Client,
    reason: Refusal['reason'],
    detail: string,
    topic?: string,
    then: 'ends' | 'goes-on' = 'ends',
  ): Refusal {
    const { connections, ledger } = this.#parts;
    const connection = connections.of(client);
    if (connection !== undefined && then === 'ends') connection.accounted = true;
    ledger.refuse(reason, connections.circumstances(client, { detail, topic }));
    return new Refusal(reason, detail);
  }
}
