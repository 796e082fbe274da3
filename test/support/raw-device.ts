/** A device that says just what a test wants: a plain MQTT client with the protocol's topics. */
import { encode, type MessageByKind, type TopicKind, topicFor } from '@slowbeat/device-sdk/protocol';
import mqtt from 'mqtt';

export class RawDevice implements AsyncDisposable {
  readonly #client: mqtt.MqttClient;
  readonly #deviceClass: string;
  readonly #device: string;

  private constructor(client: mqtt.MqttClient, deviceClass: string, device: string) {
    this.#client = client;
    this.#deviceClass = deviceClass;
    this.#device = device;
  }

  static async connect(
    url: string,
    deviceClass: string,
    device: string,
    will?: MessageByKind['will'],
    { keepalive = 60 }: { keepalive?: number } = {},
  ): Promise<RawDevice> {
    const topic = topicFor('hb/v1', deviceClass, device, 'will');
    const client = await mqtt.connectAsync(url, {
      clientId: `${deviceClass}.${device}`,
      reconnectPeriod: 0,
      keepalive,
      ...(will && { will: { topic, payload: Buffer.from(encode('will', will)), qos: 1, retain: false } }),
    });
    client.on('error', () => {});
    return new RawDevice(client, deviceClass, device);
  }

  /** Resolves with the PUBACK. */
  async say<K extends TopicKind>(kind: K, message: MessageByKind[K], retain = false): Promise<void> {
    const topic = topicFor('hb/v1', this.#deviceClass, this.#device, kind);
    await this.#client.publishAsync(topic, Buffer.from(encode(kind, message)), { qos: 1, retain });
  }

  /** Says DISCONNECT: no will. */
  async leave(): Promise<void> {
    await this.#client.endAsync();
  }

  /** Cuts the socket: the broker publishes the will. */
  cut(): void {
    this.#client.stream.destroy();
    this.#client.end(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
  }
}
