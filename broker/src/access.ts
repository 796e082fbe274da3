/**
 * Who may use which topic: one pure function, so that every path into the broker asks the same question.
 *
 * A refusal carries a reason for the log and nothing for the client: MQTT 3.1.1 has no words for it.
 */
import {
  type DeviceTopic,
  filterFor,
  parseStateTopic,
  parseTopic,
  type TopicKind,
} from '@slowbeat/device-sdk/protocol';
import type { Identity, Role } from './identity.ts';
import { filtersOverlap, isFilter, liesBelow } from './topic-filter.ts';

export type Action = 'publish' | 'subscribe' | 'will';

/** Topics outside the scheme that are carried as well, for bridging and other uses of the same broker. */
export interface ForeignTopics {
  /** Whole levels, without wildcards; empty for every topic. */
  readonly prefix: string;
  /** Who may publish there, retained or not, and leave a will there. */
  readonly publish: readonly Role[];
  /** Which devices and gateways may subscribe there; detectors and observers hear everything. */
  readonly subscribe: readonly Role[];
}

export interface AccessRules {
  readonly root: string;
  readonly foreign: readonly ForeignTopics[];
}

const EVERYBODY: readonly Role[] = ['device', 'gateway', 'detector', 'observer', 'anonymous'];

/** The setting `topics` as rules. */
export function accessRules(root: string, topics: 'scheme' | 'any' | readonly ForeignTopics[]): AccessRules {
  if (topics === 'scheme') return { root, foreign: [] };
  if (topics === 'any') return { root, foreign: [{ prefix: '', publish: EVERYBODY, subscribe: EVERYBODY }] };
  const openModeToo = (roles: readonly Role[]): readonly Role[] => [...roles, 'anonymous'];
  return {
    root,
    foreign: topics.map(({ prefix, publish, subscribe }) => ({
      prefix,
      publish: openModeToo(publish),
      subscribe: openModeToo(subscribe),
    })),
  };
}

export type Refused =
  | 'outside-the-scheme'
  | 'system-topic'
  | 'invalid-filter'
  | 'wildcard'
  | 'foreign-device'
  | 'kind-not-for-this-role'
  | 'never-granted';

/** `kind` is told for publishes and wills on a topic of the scheme, which names exactly one. */
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

/** What a role publishes below the root, about the devices it may speak for. */
export function mayPublish(role: Role): readonly TopicKind[] {
  return [...MAY_PUBLISH[role]];
}

const MAY_LEAVE_WILL: Readonly<Record<Role, ReadonlySet<TopicKind>>> = {
  device: WILL_ONLY,
  gateway: WILL_ONLY,
  detector: NOTHING,
  observer: NOTHING,
  anonymous: WILL_ONLY,
};

/**
 * What nobody may subscribe to where any topic is carried: it lets a client's author see a refusal (SUBACK 128), and
 * Eclipse Paho's conformance suite expects to be refused this very filter.
 */
const NEVER_GRANTED: ReadonlySet<string> = new Set(['nosubscribe', 'test/nosubscribe']);

/** Decides about one topic (for `subscribe`: one filter). Never throws, whatever the text. */
export function decide(identity: Identity, action: Action, topic: string, rules: AccessRules): Verdict {
  if (action === 'subscribe') return decideSubscribe(identity, topic, rules);
  if (isReserved(topic)) return refused('system-topic');
  const parsed = parseTopic(rules.root, topic) ?? verdictOfMonitor(rules.root, topic);
  if (parsed === undefined) return decideForeign(identity, topic, rules);
  const allowed = action === 'will' ? MAY_LEAVE_WILL : MAY_PUBLISH;
  if (!allowed[identity.role].has(parsed.kind)) return refused('kind-not-for-this-role');
  if (isBound(identity) && !speaksFor(identity, parsed.deviceClass, parsed.device)) {
    return refused('foreign-device');
  }
  return { allowed: true, kind: parsed.kind };
}

/** One of several monitors keeps its verdicts on topics of its own. */
function verdictOfMonitor(root: string, topic: string): DeviceTopic | undefined {
  const verdict = parseStateTopic(root, topic);
  return verdict && { ...verdict, kind: 'state' };
}

function decideForeign(identity: Identity, topic: string, { root, foreign }: AccessRules): Verdict {
  if (/[+#]/.test(topic)) return refused('wildcard');
  if (topic === '' || topic.includes('\0') || liesBelow(topic, root)) return refused('outside-the-scheme');
  const carried = foreign.some(
    ({ prefix, publish }) => liesBelow(topic, prefix) && publish.includes(identity.role),
  );
  return carried ? { allowed: true } : refused(topic.startsWith('$') ? 'system-topic' : 'outside-the-scheme');
}

function decideSubscribe(identity: Identity, filter: string, { root, foreign }: AccessRules): Verdict {
  if (!isFilter(filter)) return refused('invalid-filter');
  const carriesAll = foreign.some(({ prefix }) => prefix === '');
  if (carriesAll && NEVER_GRANTED.has(filter)) return refused('never-granted');
  if (isBound(identity)) return decideBoundSubscribe(identity, filter, { root, foreign });
  if (filter.startsWith('$SYS/')) return { allowed: true };
  if (isReserved(filter) || (filter.startsWith('$') && !carriesAll)) return refused('system-topic');
  const reachesSomething =
    reachesScheme(filter, root) || foreign.some(({ prefix }) => filtersOverlap(filter, below(prefix)));
  return reachesSomething ? { allowed: true } : refused('outside-the-scheme');
}

/** A device or gateway hears its own pings, and what it is given outside the scheme and nothing more. */
function decideBoundSubscribe(identity: Identity, filter: string, { root, foreign }: AccessRules): Verdict {
  const parsed = parseTopic(root, filter);
  if (parsed !== undefined) {
    if (!speaksFor(identity, parsed.deviceClass, parsed.device)) return refused('foreign-device');
    return parsed.kind === 'ping' ? { allowed: true } : refused('kind-not-for-this-role');
  }
  const given =
    !isReserved(filter) &&
    !reachesScheme(filter, root) &&
    foreign.some(({ prefix, subscribe }) => subscribe.includes(identity.role) && liesBelow(filter, prefix));
  if (given) return { allowed: true };
  if (/[+#]/.test(filter)) return refused('wildcard');
  return refused(filter.startsWith('$') ? 'system-topic' : 'outside-the-scheme');
}

/** True when the filter matches a topic of the scheme, verdicts of one of several monitors included. */
function reachesScheme(filter: string, root: string): boolean {
  return filtersOverlap(filter, filterFor(root)) || filtersOverlap(filter, `${filterFor(root, 'state')}/+`);
}

/** The broker's own statistics, and shared subscriptions, which this broker does not have. */
function isReserved(topic: string): boolean {
  return /^\$(SYS|share)(\/|$)/i.test(topic);
}

function below(prefix: string): string {
  return prefix === '' ? '#' : `${prefix}/#`;
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

function refused(reason: Refused): Verdict {
  return { allowed: false, reason };
}
