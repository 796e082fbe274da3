/**
 * Who may use which topic: one pure function, so that every path into the broker asks the same question.
 *
 * A refusal carries a reason for the log and nothing for the client: MQTT 3.1.1 has no words for it.
 */
import { isName, parseTopic, type TopicKind } from '@slowbeat/device-sdk/protocol';

/**
 * - `device` speaks for itself, `gateway` for the devices it was granted;
 * - `detector` hears everything and publishes verdicts and probes;
 * - `observer` only hears;
 * - `anonymous` is everybody in open mode: any device and the detector at once.
 */
export type Role = 'device' | 'gateway' | 'detector' | 'observer' | 'anonymous';

export const CREDENTIAL_ROLES = ['device', 'gateway', 'detector', 'observer'] as const;

/** Devices somebody may speak for: names, `*` for all, or a beginning with `*` as in `line-3-*`. */
export interface DeviceGrant {
  readonly deviceClass: string;
  readonly device: string;
}

export interface Identity {
  readonly role: Role;
  readonly name: string;
  /** Only devices and gateways have any. */
  readonly grants: readonly DeviceGrant[];
}

export const ANONYMOUS: Identity = { role: 'anonymous', name: 'anonymous', grants: [] };

export type Action = 'publish' | 'subscribe' | 'will';

export type Refused =
  | 'outside-the-scheme'
  | 'system-topic'
  | 'invalid-filter'
  | 'wildcard'
  | 'foreign-device'
  | 'kind-not-for-this-role';

/** `kind` is told for publishes and wills, where the topic names exactly one. */
export type Verdict =
  | { readonly allowed: true; readonly kind?: TopicKind }
  | { readonly allowed: false; readonly reason: Refused };

const DEVICE_SPEECH: ReadonlySet<TopicKind> = new Set(['birth', 'beat', 'will', 'bye', 'pong']);
const DETECTOR_SPEECH: ReadonlySet<TopicKind> = new Set(['ping', 'state']);
const ALL_SPEECH: ReadonlySet<TopicKind> = new Set([...DEVICE_SPEECH, ...DETECTOR_SPEECH]);
const WILL_ONLY: ReadonlySet<TopicKind> = new Set(['will']);
const NOTHING: ReadonlySet<TopicKind> = new Set();

const MAY_PUBLISH: Readonly<Record<Role, ReadonlySet<TopicKind>>> = {
  device: DEVICE_SPEECH,
  gateway: DEVICE_SPEECH,
  detector: DETECTOR_SPEECH,
  observer: NOTHING,
  anonymous: ALL_SPEECH,
};

const MAY_LEAVE_WILL: Readonly<Record<Role, ReadonlySet<TopicKind>>> = {
  device: WILL_ONLY,
  gateway: WILL_ONLY,
  detector: NOTHING,
  observer: NOTHING,
  anonymous: WILL_ONLY,
};

/** Decides about one topic (for `subscribe`: one filter). Never throws, whatever the text. */
export function decide(identity: Identity, action: Action, topic: string, root: string): Verdict {
  if (action === 'subscribe') return decideSubscribe(identity, topic, root);
  if (topic.startsWith('$')) return refused('system-topic');
  const parsed = parseTopic(root, topic);
  if (parsed === undefined) return refused(/[+#]/.test(topic) ? 'wildcard' : 'outside-the-scheme');
  const allowed = action === 'will' ? MAY_LEAVE_WILL : MAY_PUBLISH;
  if (!allowed[identity.role].has(parsed.kind)) return refused('kind-not-for-this-role');
  if (isBound(identity) && !speaksFor(identity, parsed.deviceClass, parsed.device)) {
    return refused('foreign-device');
  }
  return { allowed: true, kind: parsed.kind };
}

function decideSubscribe(identity: Identity, filter: string, root: string): Verdict {
  if (!isFilter(filter)) return refused('invalid-filter');
  if (isBound(identity)) {
    if (/[+#]/.test(filter)) return refused('wildcard');
    const parsed = parseTopic(root, filter);
    if (parsed === undefined) return refused(filter.startsWith('$') ? 'system-topic' : 'outside-the-scheme');
    if (!speaksFor(identity, parsed.deviceClass, parsed.device)) return refused('foreign-device');
    return parsed.kind === 'ping' ? { allowed: true } : refused('kind-not-for-this-role');
  }
  if (filter.startsWith('$')) {
    return filter.startsWith('$SYS/') ? { allowed: true } : refused('system-topic');
  }
  return reaches(filter, root) ? { allowed: true } : refused('outside-the-scheme');
}

/** True when the identity may only speak for the devices it was granted. */
function isBound(identity: Identity): boolean {
  return identity.role === 'device' || identity.role === 'gateway';
}

function speaksFor(identity: Identity, deviceClass: string, device: string): boolean {
  return identity.grants.some(
    (grant) => grantCovers(grant.deviceClass, deviceClass) && grantCovers(grant.device, device),
  );
}

function grantCovers(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** Reads `class/device` or `device` (of any class); undefined when it is neither. */
export function parseGrant(text: string): DeviceGrant | undefined {
  const levels = text.split('/');
  const [deviceClass, device] = levels.length === 1 ? ['*', levels[0]] : levels;
  if (levels.length > 2 || deviceClass === undefined || device === undefined) return undefined;
  return isGrantPattern(deviceClass) && isGrantPattern(device) ? { deviceClass, device } : undefined;
}

function isGrantPattern(text: string): boolean {
  if (text === '*') return true;
  return isName(text.endsWith('*') ? text.slice(0, -1) : text);
}

/** A filter as MQTT 3.1.1 section 4.7.1 wants it: `+` fills a level, `#` the last one. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || filter.includes('\0')) return false;
  const levels = filter.split('/');
  return levels.every(
    (level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level),
  );
}

/** True when the filter can match anything below the root; one that cannot is somebody's mistake. */
function reaches(filter: string, root: string): boolean {
  const rootLevels = root.split('/');
  const levels = filter.split('/');
  for (const [index, wanted] of rootLevels.entries()) {
    const level = levels[index];
    if (level === '#') return true;
    if (level !== '+' && level !== wanted) return false;
  }
  return levels.length > rootLevels.length;
}

function refused(reason: Refused): Verdict {
  return { allowed: false, reason };
}
