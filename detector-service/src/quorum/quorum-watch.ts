/**
 * Collects what monitors publish on their own topics, `…/state/<monitor>`, and says what they say together, as it is
 * to be published on `…/state`. Bring any MQTT client; see the README.
 */
import { decode, encode, parseStateTopic, stateTopic } from '@slowbeat/device-sdk/protocol';
import { type MonitorVerdict, quorum } from './quorum.ts';

export interface QuorumWatchOptions {
  /** Topic prefix, as `hb/v1`. */
  readonly root: string;
  /** Monitors whose verdicts count; others are ignored. */
  readonly monitors: readonly string[];
}

/** To be published retained with QoS 1. An empty payload removes the verdict. */
export interface Published {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export class QuorumWatch {
  readonly #options: QuorumWatchOptions;
  /** By the topic of the joint verdict, then by monitor. */
  readonly #verdicts = new Map<string, Map<string, MonitorVerdict>>();
  readonly #said = new Map<string, string>();

  constructor(options: QuorumWatchOptions) {
    this.#options = options;
  }

  /** Takes a message in. Returns the joint verdict when it has changed; undefined for whatever else. */
  hear(topic: string, payload: Uint8Array): Published | undefined {
    const { root, monitors } = this.#options;
    const about = parseStateTopic(root, topic);
    if (about?.monitor === undefined || !monitors.includes(about.monitor)) return undefined;
    const joint = stateTopic(root, about.deviceClass, about.device);
    const verdicts = this.#verdicts.get(joint) ?? new Map<string, MonitorVerdict>();
    if (payload.length === 0) verdicts.delete(about.monitor);
    else {
      const decoded = decode('state', payload);
      if (!decoded.ok) return undefined;
      verdicts.set(about.monitor, { ...decoded.message, monitor: about.monitor });
    }
    if (verdicts.size === 0) return this.#forget(joint);
    this.#verdicts.set(joint, verdicts);
    const { state, at, phi, lastSeenAt, hearing, agreeing } = quorum([...verdicts.values()]);
    const said = `${state} ${at}`;
    if (this.#said.get(joint) === said) return undefined;
    this.#said.set(joint, said);
    const reason = `quorum-${agreeing.length}-of-${hearing}`;
    return {
      topic: joint,
      payload: encode('state', { state, at, phi, lastSeenAt, reason, monitor: 'quorum' }),
    };
  }

  #forget(joint: string): Published | undefined {
    this.#verdicts.delete(joint);
    return this.#said.delete(joint) ? { topic: joint, payload: new Uint8Array(0) } : undefined;
  }
}
