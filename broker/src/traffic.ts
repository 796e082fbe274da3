/** What clients that are in may say and hear: the hooks Aedes asks on every message. */
import type { Client, PublishPacket, Subscription } from 'aedes';
import { type AccessRules, decide } from './access.ts';
import { type Distribute, isWillOf, unsentBytes } from './aedes-seams.ts';
import type { BrokerConfig } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import { NOBODY } from './identity.ts';
import type { Ingest, Taken } from './ingest.ts';
import type { Ledger } from './ledger.ts';
import type { PacketJudge } from './packet-reader.ts';

export interface TrafficParts {
  readonly config: BrokerConfig;
  readonly rules: AccessRules;
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly ingest: Ingest;
  readonly now: () => number;
  /** Hands a message to its subscribers before it is acknowledged. */
  readonly distribute: Distribute;
  /** A will was taken in and handed over, or refused for the reason given: `internal` when it could not be handed over. */
  readonly willSettled: (client: Client, will: PublishPacket, refused: Refusal['reason'] | undefined) => void;
}

/** Packets a client sends of its own accord, paced like messages; acknowledgements follow what it receives. */
const PACED_COMMANDS: ReadonlySet<string> = new Set(['subscribe', 'unsubscribe', 'pingreq', 'pubrel']);

/** How long a subscriber's send buffer may stay over its bound. */
const FULL_MS_MAX = 1_000;

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
  readonly judge: PacketJudge = (client, command, bytes) => {
    this.packetsReceived += 1;
    if (command === 'publish') this.publishesReceived += 1;
    const { config, connections, now } = this.#parts;
    const { limits } = config;
    const connection = connections.of(client);
    if (connection === undefined) return undefined;
    connection.lastPacketAt = now();
    const [reason, max] =
      command === 'connect' || connection.clientId === undefined
        ? (['connect-too-large', limits.connectPacketBytesMax] as const)
        : (['packet-too-large', limits.packetBytesMax] as const);
    if (bytes > max) return this.#refuse(client, reason, `${bytes} bytes; at most ${max}`);
    if (PACED_COMMANDS.has(command) && !connection.rate.take(connection.lastPacketAt)) {
      return this.#refuse(client, 'rate-limit', `by ${command}`);
    }
    return undefined;
  };

  /** QoS 0 messages of this client were left out, because they had waited for too long. */
  readonly shed = (client: Client, messages: number): void => {
    const { connections, ledger } = this.#parts;
    ledger.refuse('overload-shed', connections.circumstances(client), messages);
  };

  /**
   * Aedes' `authorizePublish`: for a message before it is acknowledged, and for a will when its connection has
   * ended. It answers once the message has been taken in by the tap and handed to its subscribers, so that a PUBACK
   * says as much. QoS 2 is published by Aedes itself, before the PUBREC and once however often it is sent.
   */
  authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    reply: (error?: Error | null) => void,
  ): void {
    const connection = client === null ? undefined : this.#parts.connections.of(client);
    if (client === null || connection === undefined) {
      reply(new Refusal('internal', 'a message from nowhere'));
      return;
    }
    const isWill = isWillOf(client, packet);
    if (isWill && (this.#closing || connection.dismissed)) {
      reply(new Refusal('closing', 'no wills: the broker leaves, its clients are not dead'));
      return;
    }
    if (this.#closing) {
      reply(this.#refuse(client, 'closing', 'not taken in'));
      return;
    }
    const answer = isWill ? this.#settling(client, packet, reply) : reply;
    const { ingest, now } = this.#parts;
    const receivedAt = now();
    const checked = this.#check(client, connection, packet, isWill, receivedAt);
    if (checked instanceof Refusal) {
      answer(checked);
      return;
    }
    const proceed = (): void => {
      // A client that has gone meanwhile gets no acknowledgement, at which Aedes would drop what was taken in.
      if (isWill || packet.qos === 1 || (packet.qos === 2 && client.closed))
        this.#handOver(client, connection, packet, answer);
      else answer(null);
    };
    if (checked === 'for-others') {
      proceed();
      return;
    }
    const { topic } = packet;
    const payload = packet.payload as Buffer;
    const mayShed = packet.qos === 0 && !isWill;
    ingest.take(connection.lane, { topic, payload, retained: false, receivedAt }, mayShed, (taken) => {
      if (this.#isTaken(client, packet, isWill, taken)) proceed();
      else answer(taken instanceof Refusal ? taken : null);
    });
  }

  #settling(client: Client, will: PublishPacket, answer: (error?: Error | null) => void): typeof answer {
    return (error) => {
      this.#parts.willSettled(client, will, error instanceof Refusal ? error.reason : undefined);
      answer(error);
    };
  }

  #handOver(
    client: Client,
    connection: Connection,
    packet: PublishPacket,
    answer: (error?: Error | null) => void,
  ): void {
    this.#handing += 1;
    connection.handing += 1;
    this.#parts.distribute(client, packet, (error) => {
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
    const verdict = decide(
      connection.proof?.identity ?? NOBODY,
      isWill ? 'will' : 'publish',
      topic,
      this.#rules,
    );
    if (topic.length > limits.topicLengthMax) {
      return this.#refuse(
        client,
        'topic-too-long',
        `${topic.length} characters; at most ${limits.topicLengthMax}`,
      );
    }
    if (!verdict.allowed) return this.#refuse(client, 'publish-refused', verdict.reason, topic);
    if (payload.length > limits.payloadBytesMax) {
      const detail = `${payload.length} bytes; at most ${limits.payloadBytesMax}`;
      return this.#refuse(client, 'payload-too-large', detail, topic);
    }
    if (packet.qos > 0 && !isWill && !((packet.messageId ?? 0) > 0)) {
      return this.#refuse(client, 'malformed', 'a message id of 0', topic);
    }
    if (verdict.kind === 'state') return 'for-others';
    if (verdict.kind === 'ping') {
      packet.retain = false;
      return 'for-others';
    }
    if (!isWill && !connection.rate.take(at)) return this.#refuse(client, 'rate-limit', 'by publish', topic);
    if (verdict.kind === undefined) return 'for-others';
    // A retained heartbeat would look alive for ever to whoever subscribes later.
    packet.retain = false;
    return 'for-the-detector';
  }

  /** The tap has taken a message in. */
  noteTaken(isWill: boolean): void {
    this.messagesTaken += 1;
    if (isWill) this.willsTaken += 1;
  }

  /** Counts what became of a message in the tap. */
  #isTaken(client: Client, packet: PublishPacket, isWill: boolean, taken: Taken): boolean {
    if (taken === 'taken') {
      this.noteTaken(isWill);
      return true;
    }
    const { ledger, connections } = this.#parts;
    const [reason, detail] =
      taken === 'shed' ? (['tap-shed', undefined] as const) : [taken.reason, taken.message];
    ledger.refuse(reason, connections.circumstances(client, { topic: packet.topic, detail }));
    return false;
  }

  /** Aedes' `authorizeSubscribe`: a filter that is refused is answered with SUBACK 128. */
  authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    answer: (error: Error | null, granted: Subscription | null) => void,
  ): void {
    const { limits } = this.#parts.config;
    const connection = this.#parts.connections.of(client);
    const { topic } = subscription;
    const refuse = (
      reason: 'topic-too-long' | 'subscribe-refused' | 'subscriptions-max',
      detail: string,
    ): void => {
      this.#refuse(client, reason, detail, topic, 'goes-on');
      answer(null, null);
    };
    if (topic.length > limits.topicLengthMax) {
      refuse('topic-too-long', `${topic.length} characters; at most ${limits.topicLengthMax}`);
      return;
    }
    const verdict = decide(connection?.proof?.identity ?? NOBODY, 'subscribe', topic, this.#rules);
    if (!verdict.allowed) {
      refuse('subscribe-refused', verdict.reason);
      return;
    }
    const granted = connection?.subscriptions;
    if (granted?.has(topic) === false) {
      if (granted.size >= limits.subscriptionsPerClientMax) {
        refuse('subscriptions-max', `at most ${limits.subscriptionsPerClientMax}`);
        return;
      }
      granted.add(topic);
    }
    answer(null, subscription);
  }

  /**
   * Aedes' `authorizeForward`, asked for every delivery: cuts off a subscriber that does not read. Over TLS and
   * WebSocket nothing leaves before the turn of the event loop ends, so that a burst alone says nothing yet.
   */
  authorizeForward<Packet>(client: Client, packet: Packet): Packet | null {
    if (client.closed || client.conn.destroyed) return null;
    const { sendBufferBytesMax } = this.#parts.config.limits;
    const connection = this.#parts.connections.of(client);
    if (connection === undefined || unsentBytes(client) <= sendBufferBytesMax) {
      if (connection !== undefined) delete connection.fullSince;
      return packet;
    }
    const now = performance.now();
    connection.fullSince ??= now;
    if (now - connection.fullSince < FULL_MS_MAX) return packet;
    client.conn.destroy(this.#refuse(client, 'slow-reader', `${sendBufferBytesMax} bytes unsent`));
    return null;
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
