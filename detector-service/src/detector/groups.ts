/** Which devices share a gateway, a site or a broker: what can be silenced by one common cause. */
import type { DeviceTable } from './device-table.ts';
import { STATES, type State } from './transition.ts';

const SUSPECT = STATES.indexOf('suspect');

export const GROUP_KINDS = ['gateway', 'site', 'broker'] as const;
export type GroupKind = (typeof GROUP_KINDS)[number];

export interface Group {
  readonly kind: GroupKind;
  /** Number of its name among the table's places. */
  readonly place: number;
  readonly members: number[];
  /** Members that are suspect now. */
  overdue: number;
  /** Members whose death waits until the group has had its say. */
  readonly held: Set<number>;
  /** Since when the group as a whole is silent; undefined while it is not. */
  outageSince: number | undefined;
  /** Members heard again during the outage. */
  readonly heard: Set<number>;
  /** A large group is looked at again only when this many are overdue. */
  lookAgainAt: number;
}

/** Groups by kind and place, found from a device's columns. */
export class Groups {
  readonly #table: DeviceTable;
  readonly #groups: Record<GroupKind, Map<number, Group>> = {
    gateway: new Map(),
    site: new Map(),
    broker: new Map(),
  };

  constructor(table: DeviceTable) {
    this.#table = table;
  }

  /** Puts a device into the group of a kind, out of the one it was in; −1 for none. */
  assign(device: number, kind: GroupKind, place: number): void {
    const column = this.#table[kind];
    const before = column[device] as number;
    if (before === place) return;
    this.#leave(device, kind, before);
    column[device] = place;
    if (place < 0) return;
    const group = this.at(kind, place);
    group.members.push(device);
    if (this.#table.state[device] === SUSPECT) group.overdue += 1;
  }

  /** Takes a device out of all its groups; to be called before it leaves the table. */
  remove(device: number): void {
    for (const kind of GROUP_KINDS) this.assign(device, kind, -1);
  }

  /** True when a group of the device is silent as a whole. */
  silenced(device: number): boolean {
    for (const { outageSince } of this.of(device)) if (outageSince !== undefined) return true;
    return false;
  }

  /** Counts a device in or out of the suspects of its groups. */
  count(device: number, from: State, to: State): void {
    const change = Number(to === 'suspect') - Number(from === 'suspect');
    if (change === 0) return;
    for (const group of this.of(device)) {
      group.overdue += change;
      if (change < 0) group.lookAgainAt = 0;
    }
  }

  /** The groups of a device, narrowest cause first. */
  *of(device: number): Generator<Group> {
    for (const kind of GROUP_KINDS) {
      const place = this.#table[kind][device] as number;
      if (place >= 0) yield this.at(kind, place);
    }
  }

  /** Groups that are silent as a whole. */
  *outages(): Generator<Group> {
    for (const kind of GROUP_KINDS) {
      for (const group of this.#groups[kind].values()) if (group.outageSince !== undefined) yield group;
    }
  }

  /** The group of that place, made on first sight. */
  at(kind: GroupKind, place: number): Group {
    const groups = this.#groups[kind];
    let group = groups.get(place);
    if (group === undefined) {
      group = {
        kind,
        place,
        members: [],
        overdue: 0,
        held: new Set(),
        outageSince: undefined,
        heard: new Set(),
        lookAgainAt: 0,
      };
      groups.set(place, group);
    }
    return group;
  }

  #leave(device: number, kind: GroupKind, place: number): void {
    const group = this.#groups[kind].get(place);
    if (group === undefined) return;
    const position = group.members.indexOf(device);
    const last = group.members.pop();
    if (last !== undefined && last !== device) group.members[position] = last;
    group.held.delete(device);
    group.heard.delete(device);
    if (this.#table.state[device] === SUSPECT) group.overdue -= 1;
    if (group.members.length === 0) this.#groups[kind].delete(place);
  }
}
