/** What clients that are in may say and hear: the hooks Aedes asks on every message. */
import type { Client, PublishPacket, Subscription } from 'aedes';
import { ANONYMOUS, decide } from './access.ts';
import { isWillOf, type PacketJudge, unsentBytes } from './aedes-seams.ts';
import type { BrokerConfig } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import type { Ingest, Taken } from './ingest.ts';
import type { Ledger } from './ledger.ts';

export interface TrafficParts {
  readonly config: BrokerConfig;
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly ingest: Ingest;
  readonly now: () => number;
  /** Publishes a message whose client is gone before it could be acknowledged. */
  readonly publish: (packet: PublishPacket) => void;
}

/** Packets a client sends of its own accord, paced like messages; acknowledgements follow what it receives. */
const PACED_COMMANDS: ReadonlySet<string> = new Set(['subscribe', 'unsubscribe', 'pingreq', 'pubrel']);

export class Traffic {
  readonly #parts: TrafficParts;
  #closing = false;
  messagesTaken = 0;
  willsTaken = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  /** From now on nothing is taken any more, and no will is published: the fleet is not dead, the broker leaves. */
  close(): void {
    this.#closing = true;
  }

  /** Judges a packet by its header: size and pace. */
  readonly judge: PacketJudge = (client, command, bytes) => {
    const { config, connections, now } = this.#parts;
    const { limits } = config;
    const connection = connections.of(client);
    if (connection === undefined) return undefined;
    const [reason, max] =
      command === 'connect' || connection.clientId === undefined
        ? (['connect-too-large', limits.connectPacketBytesMax] as const)
        : (['packet-too-large', limits.packetBytesMax] as const);
    if (bytes > max) return this.#refuse(client, reason, `${bytes} bytes; at most ${max}`);
    if (PACED_COMMANDS.has(command) && !connection.rate.take(now())) {
      return this.#refuse(client, 'rate-limit', `by ${command}`);
    }
    return undefined;
  };

  /**
   * Aedes' `authorizePublish`: for a message before it is acknowledged, and for a will when its connection has
   * ended. It answers once the detector has taken the message in, so that a PUBACK says as much.
   */
  authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    answer: (error?: Error | null) => void,
  ): void {
    const connection = client === null ? undefined : this.#parts.connections.of(client);
    if (client === null || connection === undefined) {
      answer(new Refusal('internal', 'a message from nowhere'));
      return;
    }
    const isWill = isWillOf(client, packet);
    if (this.#closing) {
      answer(isWill ? new Refusal('closing', 'no wills') : this.#refuse(client, 'closing', 'not taken in'));
      return;
    }
    const { ingest, now } = this.#parts;
    const receivedAt = now();
    const checked = this.#check(client, connection, packet, isWill, receivedAt);
    if (checked instanceof Refusal) {
      answer(checked);
      return;
    }
    if (checked === 'for-others') {
      answer(null);
      return;
    }
    const { topic } = packet;
    const payload = packet.payload as Buffer;
    const mayShed = packet.qos === 0 && !isWill;
    ingest.take(connection.lane, { topic, payload, retained: false, receivedAt }, mayShed, (taken) => {
      answer(this.#accountFor(client, packet, isWill, taken) ?? null);
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
    const { limits, root } = this.#parts.config;
    const { topic, payload } = packet;
    const verdict = decide(connection.identity ?? ANONYMOUS, isWill ? 'will' : 'publish', topic, root);
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
    if (verdict.kind === 'state' || verdict.kind === 'ping') {
      if (verdict.kind === 'ping') packet.retain = false;
      return 'for-others';
    }
    // A retained heartbeat would look alive for ever to whoever subscribes later.
    packet.retain = false;
    if (!isWill && !connection.rate.take(at)) return this.#refuse(client, 'rate-limit', 'by publish', topic);
    return 'for-the-detector';
  }

  #accountFor(client: Client, packet: PublishPacket, isWill: boolean, taken: Taken): Refusal | undefined {
    const { ledger, connections, publish } = this.#parts;
    if (taken instanceof Refusal) {
      const circumstances = connections.circumstances(client, { topic: packet.topic, detail: taken.message });
      ledger.refuse(taken.reason, circumstances);
      return taken;
    }
    if (taken === 'shed') {
      ledger.refuse('tap-shed', connections.circumstances(client, { topic: packet.topic }));
      return undefined;
    }
    this.messagesTaken += 1;
    if (isWill) this.willsTaken += 1;
    if (client.closed && !isWill && packet.qos > 0) {
      // Nobody is left to acknowledge it to, at which Aedes would drop a message that was taken in.
      publish(packet);
      return new Refusal('closing', 'the client left before its acknowledgement');
    }
    return undefined;
  }

  /** Aedes' `authorizeSubscribe`: a filter that is refused is answered with SUBACK 128. */
  authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    answer: (error: Error | null, granted: Subscription | null) => void,
  ): void {
    const { limits, root } = this.#parts.config;
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
    const verdict = decide(connection?.identity ?? ANONYMOUS, 'subscribe', topic, root);
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

  /** Aedes' `authorizeForward`, asked for every delivery: cuts off a subscriber that does not read. */
  authorizeForward<Packet>(client: Client, packet: Packet): Packet | null {
    if (client.closed || client.conn.destroyed) return null;
    const { sendBufferBytesMax } = this.#parts.config.limits;
    if (unsentBytes(client) <= sendBufferBytesMax) return packet;
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
