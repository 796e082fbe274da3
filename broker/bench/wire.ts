/** MQTT as bytes, made once: a generator that builds packets would be what is measured. */
import { generate } from 'mqtt-packet';

const PAYLOAD = Buffer.from('{"g":1795229743692,"k":1,"s":12345,"n":900000,"u":86400}');

export const topicOf = (device: number): string => `hb/v1/meter/d${device}/beat`;

export function connectPacket(clientId: string, will: boolean, clean = true): Buffer {
  return generate({
    cmd: 'connect',
    clientId,
    clean,
    keepalive: 300,
    protocolId: 'MQTT',
    protocolVersion: 4,
    ...(will && {
      will: {
        topic: `hb/v1/meter/${clientId}/will`,
        payload: Buffer.from('{"g":1,"k":1}'),
        qos: 1,
        retain: false,
      },
    }),
  });
}

/** A heartbeat; the id of a QoS 1 one is 1: each device has one in flight at a time. */
export function beatPacket(device: number, qos: 0 | 1): Buffer {
  return generate({
    cmd: 'publish',
    topic: topicOf(device),
    payload: PAYLOAD,
    qos,
    retain: false,
    dup: false,
    ...(qos === 1 && { messageId: 1 }),
  });
}

export const subscribePacket = (filter: string, qos: 0 | 1): Buffer =>
  generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos }] });

/** Counts the packets of each type in a stream of bytes, without building them. */
export class PacketCounter {
  readonly counts = new Float64Array(16);
  #type = -1;
  #shift = 0;
  #length = 0;
  #left = 0;

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.#done();
      } else if (this.#type < 0) {
        this.#type = (chunk[at++] as number) >> 4;
        this.#shift = 0;
        this.#length = 0;
      } else {
        const byte = chunk[at++] as number;
        this.#length += (byte & 127) * 2 ** this.#shift;
        this.#shift += 7;
        if (byte < 128) {
          this.#left = this.#length;
          if (this.#left === 0) this.#done();
        }
      }
    }
  }

  #done(): void {
    this.counts[this.#type] = (this.counts[this.#type] as number) + 1;
    this.#type = -1;
  }
}

/** Packet types by number. */
export const TYPE = { connack: 2, publish: 3, puback: 4, suback: 9 } as const;
