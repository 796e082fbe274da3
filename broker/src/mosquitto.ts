/**
 * The access rules and limits of this broker in the words of Eclipse mosquitto 2, for those who run that instead. By its
 * documentation VerneMQ reads the same list. What it has no words for is left out, which refuses it, and told.
 */
import { filterFor, type TopicKind } from '@slowbeat/device-sdk/protocol';
import { mayPublish } from './access.ts';
import type { BrokerConfig } from './config.ts';
import type { DeviceGrant, Identity } from './identity.ts';
import { wantedListeners } from './listener-config.ts';

export interface MosquittoAcl {
  readonly text: string;
  /** What could not be said, one line each. */
  readonly leftOut: readonly string[];
  /** Users that may be the device of their own name as well, because they cannot be kept out of what all others may. */
  readonly alsoDevices: readonly string[];
}

export interface MosquittoConfiguration {
  readonly text: string;
  /** What could not be said, one line each. */
  readonly leftOut: readonly string[];
}

/** All that devices and gateways may subscribe to. */
const HEARD_BY_DEVICES: TopicKind = 'ping';

/**
 * An access control list for these users. `unlisted` lets anybody else who can log in be the device of that name, for
 * brokers that know devices by certificate or token.
 */
export function mosquittoAcl(
  { root, topics }: Pick<BrokerConfig, 'root' | 'topics'>,
  users: readonly Identity[],
  unlisted: boolean,
): MosquittoAcl {
  const leftOut: string[] = [];
  const blocks = users.map((user) => {
    const lines = [...linesOf(user, root, leftOut), ...foreignLines(user, topics)];
    return [`user ${user.name}`, ...lines].join('\n');
  });
  if (topics === 'any') leftOut.push('topics: any; list the prefixes that are wanted');
  if (unlisted) blocks.push(patterns(root).join('\n'));
  const head = `# Made by "slowbeat broker acl": who may use which topic below ${root}.`;
  // No empty lines, and a line end at the end, for readers that are stricter than mosquitto.
  const alsoDevices = unlisted
    ? users.filter((user) => !isAnyDeviceOfItsName(user)).map(({ name }) => name)
    : [];
  return { text: `${[head, ...blocks].join('\n')}\n`, leftOut, alsoDevices };
}

function linesOf({ role, name, grants }: Identity, root: string, leftOut: string[]): string[] {
  if (role === 'observer' || role === 'detector') {
    // A verdict may be at `…/state/<monitor>`, where several monitors judge.
    const said = mayPublish(role).flatMap((kind) => {
      const filter = filterFor(root, kind);
      return (kind === 'state' ? [filter, `${filter}/+`] : [filter]).map((one) => `topic write ${one}`);
    });
    return [...said, `topic read ${root}/#`, 'topic read $SYS/#'];
  }
  return grants.flatMap((grant) => {
    const levels = levelsOf(grant);
    if (levels === undefined) {
      leftOut.push(
        `${name}: ${grant.deviceClass}/${grant.device}; it knows no beginnings of names, list the devices`,
      );
      return [];
    }
    const own = `${root}/${levels}`;
    return [
      ...mayPublish(role).map((kind) => `topic write ${own}/${kind}`),
      `topic read ${own}/${HEARD_BY_DEVICES}`,
    ];
  });
}

/** `*` fills a level; a beginning followed by `*` is more than a filter can say. */
function levelsOf({ deviceClass, device }: DeviceGrant): string | undefined {
  const levels = [deviceClass, device].map((pattern) => (pattern === '*' ? '+' : pattern));
  return levels.some((level) => level.endsWith('*')) ? undefined : levels.join('/');
}

function isAnyDeviceOfItsName({ role, name, grants }: Identity): boolean {
  const covers = ({ deviceClass, device }: DeviceGrant): boolean =>
    deviceClass === '*' && (device === '*' || device === name);
  return (role === 'device' || role === 'gateway') && grants.some(covers);
}

function patterns(root: string): string[] {
  return [
    '# anybody else who can log in: the device of that name, of any class',
    ...mayPublish('device').map((kind) => `pattern write ${root}/+/%u/${kind}`),
    `pattern read ${root}/+/%u/${HEARD_BY_DEVICES}`,
  ];
}

function foreignLines({ role }: Identity, topics: BrokerConfig['topics']): string[] {
  if (typeof topics === 'string' || role === 'anonymous') return [];
  return topics.flatMap(({ prefix, publish, subscribe }) => {
    const hearsAll = role === 'observer' || role === 'detector';
    const [writes, reads] = [publish.includes(role), hearsAll || subscribe.includes(role)];
    const access = writes && reads ? 'readwrite' : writes ? 'write' : 'read';
    return writes || reads ? [`topic ${access} ${prefix}`, `topic ${access} ${prefix}/#`] : [];
  });
}

/** Where the configuration finds its other files. */
export interface MosquittoFiles {
  readonly aclFile: string;
  /** Made by `mosquitto_passwd`; undefined where only certificates are accepted. */
  readonly passwordFile: string | undefined;
}

/** A configuration with the same listeners and, where mosquitto has them, the same limits. */
export function mosquittoConfiguration(
  config: BrokerConfig,
  { aclFile, passwordFile }: MosquittoFiles,
): MosquittoConfiguration {
  const { limits, access } = config;
  const certificates = access.mode === 'users' ? access.certificates : undefined;
  const leftOut: string[] = [];
  if (certificates?.name === 'san')
    leftOut.push(
      'access.certificates.name: san; it names clients by common name only, so they need passwords',
    );
  if (access.mode === 'users' && access.tokens !== undefined)
    leftOut.push('access.tokens; it knows no tokens');
  for (const [kind, { proxies }] of wantedListeners(config))
    if (proxies.length > 0) leftOut.push(`${kind}.proxies; it reads no PROXY headers and takes anybody`);
  const listeners = wantedListeners(config).map(([, { host, port, tls, webSocket }]) => [
    `listener ${port} ${host}`,
    `max_connections ${limits.connectionsMax}`,
    ...(webSocket === undefined ? [] : ['protocol websockets']),
    ...(tls === undefined
      ? []
      : [`certfile ${tls.certFile}`, `keyfile ${tls.keyFile}`, 'tls_version tlsv1.2']),
    ...(tls?.clientCaFile === undefined
      ? []
      : [
          `cafile ${tls.clientCaFile}`,
          'require_certificate true',
          ...(certificates?.name === 'san' ? [] : ['use_identity_as_username true']),
        ]),
    ...(tls?.clientCrlFile === undefined ? [] : [`crlfile ${tls.clientCrlFile}`]),
  ]);
  const general = [
    '# Made by "slowbeat broker acl --conf" for mosquitto 2.',
    'per_listener_settings false',
    'allow_anonymous false',
    ...(passwordFile === undefined ? [] : [`password_file ${passwordFile}`]),
    `acl_file ${aclFile}`,
    'set_tcp_nodelay true',
    `max_packet_size ${limits.packetBytesMax}`,
    '# Sessions of detectors, which hear after an absence what was said meanwhile.',
    'persistence true',
    `max_queued_messages ${limits.queuedMessagesMax}`,
    `persistent_client_expiration ${Math.max(1, Math.round(limits.sessionExpiryS / 3_600))}h`,
  ];
  return { text: `${[general, ...listeners].map((lines) => lines.join('\n')).join('\n\n')}\n`, leftOut };
}
