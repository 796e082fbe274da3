/** The retained verdicts on `…/state`, as any subscriber sees them. */

import { decode, parseTopic, type StateMessage } from '@slowbeat/device-sdk/protocol';
import { until } from '@slowbeat/test-servers';
import mqtt from 'mqtt';

export interface Heard extends StateMessage {
  readonly device: string;
  readonly deviceClass: string;
}

export class Verdicts implements AsyncDisposable {
  /** In order of arrival, every verdict once. */
  readonly all: Heard[] = [];
  /** Devices whose retained verdict was removed. */
  readonly cleared: string[] = [];
  readonly #client: mqtt.MqttClient;

  private constructor(client: mqtt.MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      const about = parseTopic('hb/v1', topic);
      if (about !== undefined && payload.length === 0) this.cleared.push(about.device);
      const decoded = decode('state', payload);
      if (about === undefined || !decoded.ok) return;
      const heard = { ...decoded.message, device: about.device, deviceClass: about.deviceClass };
      const before = this.of(about.device).at(-1);
      if (before?.at !== heard.at || before.state !== heard.state) this.all.push(heard);
    });
  }

  static async listen(url: string): Promise<Verdicts> {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 100 });
    const verdicts = new Verdicts(client);
    await client.subscribeAsync('hb/v1/+/+/state', { qos: 1 });
    return verdicts;
  }

  of(device: string): Heard[] {
    return this.all.filter((heard) => heard.device === device);
  }

  states(device: string): string[] {
    return this.of(device).map(({ state }) => state);
  }

  /** The device's first verdict `state` among those from `from` on. */
  async next(device: string, state: StateMessage['state'], deadlineMs?: number): Promise<Heard> {
    const found = () => this.of(device).find((heard) => heard.state === state);
    await until(() => found() !== undefined, `${device} ${state}; it was ${this.states(device)}`, deadlineMs);
    return found() as Heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
