/**
 * Topics of the wire protocol, version 1: `<root>/<class>/<device>/<kind>`.
 * See PROTOCOL.md. The same builders serve the device, the detector and the broker's access rules.
 */

/** Topic prefix that also carries the protocol's major version. */
export const DEFAULT_ROOT = 'hb/v1';

/** What a device publishes about itself. */
export const DEVICE_KINDS = ['birth', 'beat', 'will', 'bye', 'pong'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** What the detector publishes about (or to) a device. */
export const DETECTOR_KINDS = ['ping', 'state'] as const;
export type DetectorKind = (typeof DETECTOR_KINDS)[number];

export type TopicKind = DeviceKind | DetectorKind;

/** Device, class, site and gateway names; also valid Home Assistant object ids. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What to tell a person whose name does not fit {@link NAME_PATTERN}. */
export const NAME_RULE =
  'must start with a letter or digit and hold at most 64 letters, digits, "-" or "_" (percent-encode others outside)';

export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

const ROOT_PATTERN = /^[^/+#\s\p{Cc}\p{Cs}$][^/+#\s\p{Cc}\p{Cs}]*(\/[^/+#\s\p{Cc}\p{Cs}]+)*$/u;

/** True for a topic prefix without wildcards, blanks, empty levels or a leading `$`. */
export function isRoot(text: string): boolean {
  return text.length <= 128 && ROOT_PATTERN.test(text);
}

export interface DeviceTopic {
  readonly deviceClass: string;
  readonly device: string;
  readonly kind: TopicKind;
}

const KINDS: ReadonlySet<string> = new Set([...DEVICE_KINDS, ...DETECTOR_KINDS]);

/** The topic on which `kind` of one device travels. */
export function topicFor(root: string, deviceClass: string, device: string, kind: TopicKind): string {
  return `${root}/${deviceClass}/${device}/${kind}`;
}

/**
 * Where a verdict is kept: `…/state`, or with a monitor's name `…/state/<monitor>`, for several monitors at one broker,
 * which would overwrite each other.
 */
export function stateTopic(root: string, deviceClass: string, device: string, monitor?: string): string {
  const topic = topicFor(root, deviceClass, device, 'state');
  return monitor === undefined ? topic : `${topic}/${monitor}`;
}

/** Takes a verdict's topic apart, with or without a monitor's name; undefined when it is none. Never throws. */
export function parseStateTopic(
  root: string,
  topic: string,
): { deviceClass: string; device: string; monitor: string | undefined } | undefined {
  const own = /^(.+\/state)\/([^/]+)$/.exec(topic);
  const about = parseTopic(root, own?.[1] ?? topic);
  const monitor = own?.[2];
  if (about?.kind !== 'state' || (monitor !== undefined && !isName(monitor))) return undefined;
  return { deviceClass: about.deviceClass, device: about.device, monitor };
}

/** The subscription that matches `kind` (default: every kind) of every device. */
export function filterFor(root: string, kind: TopicKind | '+' = '+'): string {
  return `${root}/+/+/${kind}`;
}

/** Takes a topic apart; undefined when it is not of this scheme. Never throws. */
export function parseTopic(root: string, topic: string): DeviceTopic | undefined {
  if (!topic.startsWith(root) || topic[root.length] !== '/') return undefined;
  const levels = topic.slice(root.length + 1).split('/');
  if (levels.length !== 3) return undefined;
  const [deviceClass, device, kind] = levels as [string, string, string];
  if (!isName(deviceClass) || !isName(device) || !KINDS.has(kind)) return undefined;
  return { deviceClass, device, kind: kind as TopicKind };
}

export function isDeviceKind(kind: TopicKind): kind is DeviceKind {
  return (DEVICE_KINDS as readonly string[]).includes(kind);
}
