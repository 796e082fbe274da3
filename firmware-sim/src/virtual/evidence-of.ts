/** From bytes on a topic to evidence: the protocol's own codec, and its field names are the evidence's. */
import type { DeviceEvidence } from '@slowbeat/detector-service/detector';
import { DEFAULT_ROOT, decode, isDeviceKind, parseTopic } from '@slowbeat/device-sdk/protocol';

/** @throws Error for a message that no device of ours can have sent */
export function evidenceOf(topic: string, payload: Uint8Array): DeviceEvidence {
  const about = parseTopic(DEFAULT_ROOT, topic);
  if (about === undefined || !isDeviceKind(about.kind)) throw new Error(`no topic of a device: ${topic}`);
  const { kind, deviceClass, device } = about;
  const decoded = decode(kind, payload);
  if (!decoded.ok) throw new Error(`${topic}: ${decoded.reason}: ${decoded.detail}`);
  const { uptimeS, ...said } = decoded.message as { uptimeS?: number };
  const uptime = uptimeS === undefined ? {} : { uptimeMs: Math.round(1000 * uptimeS) };
  return { kind, device, deviceClass, ...said, ...uptime };
}
