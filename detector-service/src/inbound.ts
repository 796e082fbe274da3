/** From bytes on a topic to evidence, or to the reason why they are none. Nothing here throws. */
import {
  type DecodeFailure,
  type DeviceKind,
  decode,
  isDeviceKind,
  type MessageByKind,
  parseTopic,
} from '@slowbeat/device-sdk/protocol';
import type { DeviceEvidence } from './detector/index.ts';

export interface InboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** True for a copy that a broker kept: it says nothing about now. */
  readonly retained: boolean;
}

/** Why a message is no evidence; stable words, used as a metric label. */
export type Refusal = 'bad-topic' | 'retained' | 'own-message' | DecodeFailure;

export type Inbound =
  | { readonly ok: true; readonly evidence: DeviceEvidence }
  | { readonly ok: false; readonly refusal: Refusal; readonly detail: string };

export function readInbound(root: string, { topic, payload, retained }: InboundMessage): Inbound {
  const about = parseTopic(root, topic);
  if (about === undefined) return refused('bad-topic', `a device's topic is ${root}/<class>/<device>/<kind>`);
  const { kind, deviceClass, device } = about;
  if (!isDeviceKind(kind)) return refused('own-message', `${kind} is published by detectors`);
  if (retained) return refused('retained', 'devices must publish without the retain flag');
  const decoded = decode(kind, payload);
  if (!decoded.ok) return refused(decoded.reason, decoded.detail);
  return { ok: true, evidence: { device, deviceClass, ...CONTENT[kind](decoded.message as never) } };
}

function refused(refusal: Refusal, detail: string): Inbound {
  return { ok: false, refusal, detail };
}

type Content = DeviceEvidence extends infer E
  ? E extends DeviceEvidence
    ? Omit<E, 'device' | 'deviceClass'>
    : never
  : never;

/** What of a message the detector wants to know, in its own units. */
const CONTENT: { readonly [K in DeviceKind]: (message: MessageByKind[K]) => Content } = {
  birth: ({ generation, session, intervalMs, nextMs, uptimeS, site, gateway, capabilities }) => ({
    kind: 'birth',
    generation,
    session,
    intervalMs,
    nextMs,
    uptimeMs: wholeMilliseconds(uptimeS),
    site,
    gateway,
    answersPing: capabilities?.includes('ping') ?? false,
  }),
  beat: ({ generation, session, seq, nextMs, uptimeS }) => ({
    kind: 'beat',
    generation,
    session,
    seq,
    nextMs,
    uptimeMs: wholeMilliseconds(uptimeS),
  }),
  will: ({ generation, session }) => ({ kind: 'will', generation, session }),
  bye: ({ generation, session, sleepMs, maintenanceMs, retire }) => ({
    kind: 'bye',
    generation,
    session,
    sleepMs,
    maintenanceMs,
    retire,
  }),
  pong: ({ generation, session }) => ({ kind: 'pong', generation, session }),
};

/** Whole milliseconds, because the boot they lead back to becomes a timestamp. */
function wholeMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}
