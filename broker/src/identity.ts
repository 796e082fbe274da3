/** Who a client is to the broker, however it proved it. */
import { isName, NAME_RULE } from '@slowbeat/device-sdk/protocol';

/**
 * - `device` speaks for itself, `gateway` for the devices it was granted;
 * - `detector` hears everything and publishes verdicts and probes;
 * - `observer` only hears;
 * - `anonymous` is everybody in open mode: any device and the detector at once.
 */
export type Role = 'device' | 'gateway' | 'detector' | 'observer' | 'anonymous';

/** Roles that can be given; nobody is given the one of open mode. */
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

/** Whoever has not logged in: may do nothing. */
export const NOBODY: Identity = { role: 'device', name: '', grants: [] };

/** An identity, and what it rests on. */
export interface Proof {
  readonly identity: Identity;
  /** Epoch milliseconds; undefined where it holds until it is withdrawn. */
  readonly expiresAt: number | undefined;
  /** Asked after a reload: is it accepted by what is known now, for the same rights? */
  readonly stillHolds: () => boolean | Promise<boolean>;
}

/**
 * An identity from its parts; a text when they do not fit together. A device speaks for itself and may pin its class,
 * a gateway needs its devices, the others have none.
 */
export function makeIdentity(name: string, role: string, devices: readonly string[]): Identity | string {
  if (!isName(name)) return `the name ${NAME_RULE}`;
  if (!isCredentialRole(role)) return `the role is not one of ${CREDENTIAL_ROLES.join(', ')}`;
  const grants: DeviceGrant[] = [];
  for (const text of devices) {
    const grant = parseGrant(text.trim());
    if (grant === undefined)
      return 'a device is written class/device or device, each a name, a beginning with *, or *';
    grants.push(grant);
  }
  if (role === 'gateway' && grants.length === 0) return 'a gateway needs its devices, such as meter/line-3-*';
  if ((role === 'detector' || role === 'observer') && grants.length > 0) return `a ${role} has no devices`;
  if (role === 'device') {
    if (grants.some((grant) => grant.device !== name)) {
      return 'a device speaks for itself only; use the role gateway for others';
    }
    if (grants.length === 0) grants.push({ deviceClass: '*', device: name });
  }
  return { role, name, grants };
}

function isCredentialRole(text: string): text is (typeof CREDENTIAL_ROLES)[number] {
  return (CREDENTIAL_ROLES as readonly string[]).includes(text);
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
