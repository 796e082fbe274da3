/** A second client at a real broker, to see what arrives there. */
import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { Arrivals } from './waiting.ts';

export interface Seen {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  readonly qos: number;
}

export class Observer implements AsyncDisposable {
  readonly seen = new Arrivals<Seen>();
  readonly #client: MqttClient;

  static async at(url: string): Promise<Observer> {
    const client = await connectAsync(url, { clientId: `observer-${randomUUID()}` });
    const observer = new Observer(client);
    await client.subscribeAsync('#', { qos: 1 });
    return observer;
  }

  constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, packet) => {
      this.seen.add({ topic, payload: new Uint8Array(payload), retained: packet.retain, qos: packet.qos });
    });
  }

  on(topic: string): Promise<Seen> {
    return this.seen.first((message) => message.topic === topic, `a message on ${topic}`);
  }

  async publish(topic: string, payload: string, retain = false): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1, retain });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
