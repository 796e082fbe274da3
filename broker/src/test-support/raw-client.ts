/** An MQTT client that can misbehave: packets and bytes straight onto a socket. */
import { connect, type Socket } from 'node:net';
import { within } from '@slowbeat/test-servers';
import mqtt, { type IConnectPacket, type Packet } from 'mqtt-packet';

export interface RawClientOptions {
  /** Source address; any of 127.0.0.0/8 works on Linux. */
  readonly from?: string;
}

export class RawClient {
  readonly socket: Socket;
  readonly received: Packet[] = [];
  /** Acknowledges what it receives, as well-behaved clients do. */
  polite = false;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** Resolves with what a TLS session can be resumed by; never over plain TCP. */
  readonly tlsSession: Promise<Buffer>;
  #waiting: { matches: (packet: Packet) => boolean; resolve: (packet: Packet) => void }[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    const parser = mqtt.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => this.#take(packet));
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.on('error', () => {}); // a reset is one of the ways a connection may end
    this.tlsSession = new Promise((resolve) => socket.once('session', resolve));
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Speaks over a socket that is there, a TLS one for instance. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  static async open(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      ...(options.from ? { localAddress: options.from } : {}),
    });
    const client = new RawClient(socket);
    await within(new Promise<void>((resolve) => socket.once('connect', () => resolve())), 'a TCP connection');
    return client;
  }

  /** Opens, says CONNECT and returns the CONNACK's return code with the client. */
  static async login(
    port: number,
    connectPacket: Partial<IConnectPacket> & { clientId: string },
    options: RawClientOptions = {},
  ): Promise<RawClient & { readonly returnCode: number }> {
    const client = await RawClient.open(port, options);
    client.connect(connectPacket);
    const connack = await client.next('connack');
    return Object.assign(client, { returnCode: (connack as { returnCode: number }).returnCode });
  }

  connect(packet: Partial<IConnectPacket> & { clientId: string }): void {
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      ...packet,
    });
  }

  send(packet: Packet): void {
    this.socket.write(mqtt.generate(packet));
  }

  publish(
    topic: string,
    payload: string | Buffer = '',
    more: { qos?: 0 | 1 | 2; messageId?: number; retain?: boolean } = {},
  ): void {
    this.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...more });
  }

  /** Publishes with QoS 1 and resolves with its PUBACK. */
  async publishAcknowledged(topic: string, payload: string | Buffer, messageId: number): Promise<void> {
    this.publish(topic, payload, { qos: 1, messageId });
    await this.next((packet) => packet.cmd === 'puback' && packet.messageId === messageId, 'a PUBACK');
  }

  /** Subscribes and resolves with the granted QoS, 128 for a refused filter. */
  async subscribe(filters: readonly string[], qos: 0 | 1 | 2 = 1, messageId = 7): Promise<number[]> {
    this.send({ cmd: 'subscribe', messageId, subscriptions: filters.map((topic) => ({ topic, qos })) });
    const suback = await this.next(
      (packet) => packet.cmd === 'suback' && packet.messageId === messageId,
      'a SUBACK',
    );
    return (suback as { granted: number[] }).granted;
  }

  /** The first packet, already there or to come, of this kind. Each is handed out once. */
  next(kind: Packet['cmd'] | ((packet: Packet) => boolean), what: string = String(kind)): Promise<Packet> {
    const matches = typeof kind === 'function' ? kind : (packet: Packet): boolean => packet.cmd === kind;
    const index = this.received.findIndex(matches);
    const [there] = index === -1 ? [] : this.received.splice(index, 1);
    if (there !== undefined) return Promise.resolve(there);
    const coming = new Promise<Packet>((resolve, reject) => {
      this.#waiting.push({ matches, resolve });
      this.ended.then(() => reject(new Error(`the connection ended before ${what}`)));
    });
    return within(coming, what);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(packet: Packet): void {
    if (this.polite) this.#acknowledge(packet);
    const index = this.#waiting.findIndex(({ matches }) => matches(packet));
    const [waiting] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (waiting === undefined) this.received.push(packet);
    else waiting.resolve(packet);
  }

  #acknowledge(packet: Packet): void {
    const { cmd, messageId } = packet;
    if (cmd === 'publish' && packet.qos > 0) {
      this.send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId } as Packet);
    } else if (cmd === 'pubrec') this.send({ cmd: 'pubrel', messageId } as Packet);
    else if (cmd === 'pubrel') this.send({ cmd: 'pubcomp', messageId } as Packet);
  }
}
