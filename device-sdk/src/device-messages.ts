/** Everything a device says, ready to be published: topic, payload, quality of service. */
import type { DeviceSettings } from './option-check.ts';
import {
  type Bye,
  beatSchema,
  type DeviceKind,
  encode,
  type MessageByKind,
  topicFor,
} from './protocol/index.ts';
import type { OutgoingMessage } from './transport.ts';

export interface BeatFacts {
  readonly seq: number;
  readonly nextMs: number;
  readonly missed: number;
  readonly roundTripMs: number | undefined;
}

export class DeviceMessages {
  readonly #settings: DeviceSettings;
  readonly #bornAt: number;

  constructor(settings: DeviceSettings) {
    this.#settings = settings;
    this.#bornAt = settings.clock.now();
  }

  get pingTopic(): string {
    const { root, deviceClass, deviceId } = this.#settings;
    return topicFor(root, deviceClass, deviceId, 'ping');
  }

  birth(session: number, intervalMs: number): OutgoingMessage {
    const { generation, firmware, site, gateway, perBeat, clock } = this.#settings;
    return this.#message('birth', {
      generation,
      session,
      intervalMs,
      uptimeS: this.#uptimeS(),
      deviceTimeMs: Math.max(0, Math.floor(clock.epochMs())),
      firmware,
      site,
      gateway,
      // A device that sleeps between beats cannot be asked anything.
      capabilities: perBeat ? undefined : ['ping'],
    });
  }

  beat(session: number, facts: BeatFacts): OutgoingMessage {
    const { seq, nextMs, missed, roundTripMs } = facts;
    return this.#message('beat', {
      generation: this.#settings.generation,
      session,
      seq,
      nextMs,
      uptimeS: this.#uptimeS(),
      roundTripMs: roundTripMs === undefined ? undefined : Math.round(roundTripMs),
      missed: missed === 0 ? undefined : missed,
      ...this.#telemetry(),
    });
  }

  will(session: number): OutgoingMessage {
    return this.#message('will', { generation: this.#settings.generation, session });
  }

  bye(session: number, plan: Pick<Bye, 'sleepMs' | 'maintenanceMs' | 'retire'>): OutgoingMessage {
    const { generation } = this.#settings;
    return this.#message('bye', { generation, session, uptimeS: this.#uptimeS(), ...plan });
  }

  pong(session: number, nonce: number | undefined): OutgoingMessage {
    const { generation } = this.#settings;
    return this.#message('pong', { generation, session, nonce, uptimeS: this.#uptimeS() });
  }

  #message<K extends DeviceKind>(kind: K, message: MessageByKind[K]): OutgoingMessage {
    const { root, deviceClass, deviceId, encoding, qos } = this.#settings;
    return {
      topic: topicFor(root, deviceClass, deviceId, kind),
      payload: encode(kind, message, encoding),
      qos: kind === 'beat' ? qos : 1,
    };
  }

  #uptimeS(): number {
    return Math.floor((this.#settings.clock.now() - this.#bornAt) / 1000);
  }

  /** A sensor that fails must not cost the beat; what the schema would drop is not sent either. */
  #telemetry(): { batteryPercent?: number | undefined; rssiDbm?: number | undefined } {
    const { telemetry, logger } = this.#settings;
    if (telemetry === undefined) return {};
    try {
      const { batteryPercent, rssiDbm } = telemetry();
      return beatSchema.parse({ batteryPercent, rssiDbm });
    } catch (error) {
      logger?.warn(`telemetry failed, the beat goes without it: ${String(error)}`);
      return {};
    }
  }
}
