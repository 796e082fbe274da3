/** Which devices share a gateway, a site, a broker or us: what can be silenced by one common cause. */
import type { DeviceTable } from './device-table.ts';
import type { Incident } from './incident.ts';
import { MemberLinks, Members } from './members.ts';
import { STATES, type State } from './transition.ts';

/** Groups that a device is told to belong to. */
export const PLACE_KINDS = ['gateway', 'site', 'broker'] as const;
/** All of them, the narrowest cause first; the fleet is everybody this monitor listens to. */
export const GROUP_KINDS = [...PLACE_KINDS, 'fleet'] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number];
export type GroupKind = (typeof GROUP_KINDS)[number];

export interface Group {
  readonly kind: GroupKind;
  /** Number of its name among the table's places; 0 for the fleet. */
  readonly place: number;
  readonly members: Iterable<number> & { readonly length: number };
  /** Members that are suspect now. */
  overdue: number;
  /** Members that are unreachable now. */
  unreachable: number;
  /** When a member was last heard. */
  heardAt: number;
  /** Members whose death waits until the group has had its say. */
  readonly held: Set<number>;
  /** The incident that silences it as a whole. */
  incident: Incident | undefined;
  /** A large group is looked at again only when this many are silent. */
  lookAgainAt: number;
}

const SUSPECT = STATES.indexOf('suspect');
const UNREACHABLE = STATES.indexOf('unreachable');

/** Groups by kind and place, found from a device's columns. */
export class Groups {
  readonly #table: DeviceTable;
  readonly #kinds: readonly GroupKind[];
  readonly #groups: Record<GroupKind, Group[]> = { gateway: [], site: [], broker: [], fleet: [] };
  readonly #members: Record<PlaceKind, Members[]> = { gateway: [], site: [], broker: [] };
  readonly #links = { gateway: new MemberLinks(), site: new MemberLinks(), broker: new MemberLinks() };

  /** @param kinds those that count as a possible common cause */
  constructor(table: DeviceTable, kinds: readonly GroupKind[]) {
    this.#table = table;
    this.#kinds = kinds;
  }

  /** Puts a device into the group of a kind, out of the one it was in; −1 for none. */
  assign(device: number, kind: PlaceKind, place: number): void {
    const column = this.#table[kind];
    const before = column.get(device);
    if (before === place) return;
    if (before >= 0) this.#leave(device, kind, before);
    column.set(device, place);
    if (place >= 0) this.#join(device, kind, place);
  }

  /** Takes a device out of all its groups; to be called before it leaves the table. */
  remove(device: number): void {
    for (const kind of PLACE_KINDS) this.assign(device, kind, -1);
    this.#forget(this.at('fleet', 0), device);
  }

  /** A member was heard: notes it in all its groups. */
  hear(device: number, at: number): void {
    for (const kind of this.#kinds) {
      const place = this.#placeOf(device, kind);
      if (place >= 0) this.at(kind, place).heardAt = at;
    }
  }

  /** Takes up a device from a snapshot, which was last heard at `at`. Its places have been assigned. */
  recall(device: number, at: number): void {
    const state = this.#table.state.get(device);
    for (const group of this.of(device)) {
      if (at > group.heardAt) group.heardAt = at;
      // Nobody joins the fleet, so nobody was counted there.
      if (group.kind !== 'fleet') continue;
      group.overdue += Number(state === SUSPECT);
      group.unreachable += Number(state === UNREACHABLE);
    }
  }

  /** Counts a device in or out of the suspect and the unreachable members of its groups. */
  count(device: number, from: State, to: State): void {
    const overdue = Number(to === 'suspect') - Number(from === 'suspect');
    const unreachable = Number(to === 'unreachable') - Number(from === 'unreachable');
    if (overdue === 0 && unreachable === 0) return;
    for (const group of this.of(device)) {
      group.overdue += overdue;
      group.unreachable += unreachable;
      // Well below what was looked at last: the next rise is a new one.
      if (2 * (group.overdue + group.unreachable) < group.lookAgainAt) group.lookAgainAt = 0;
    }
  }

  /** The groups of a device, narrowest cause first. */
  *of(device: number): Generator<Group> {
    for (const kind of this.#kinds) {
      const place = this.#placeOf(device, kind);
      if (place >= 0) yield this.at(kind, place);
    }
  }

  /** The group of that place, made on first sight. */
  at(kind: GroupKind, place: number): Group {
    const groups = this.#groups[kind];
    groups[place] ??= {
      kind,
      place,
      members: kind === 'fleet' ? everybody(this.#table) : this.#membersAt(kind, place),
      overdue: 0,
      unreachable: 0,
      heardAt: Number.NEGATIVE_INFINITY,
      held: new Set(),
      incident: undefined,
      lookAgainAt: 0,
    };
    return groups[place];
  }

  #placeOf(device: number, kind: GroupKind): number {
    return kind === 'fleet' ? 0 : this.#table[kind].get(device);
  }

  #membersAt(kind: PlaceKind, place: number): Members {
    this.#members[kind][place] ??= new Members(this.#links[kind]);
    return this.#members[kind][place];
  }

  #join(device: number, kind: PlaceKind, place: number): void {
    this.#membersAt(kind, place).join(device);
    const state = this.#table.state.get(device);
    if (state === SUSPECT) this.at(kind, place).overdue += 1;
    else if (state === UNREACHABLE) this.at(kind, place).unreachable += 1;
  }

  #leave(device: number, kind: PlaceKind, place: number): void {
    this.#membersAt(kind, place).leave(device);
    this.#forget(this.at(kind, place), device);
  }

  #forget(group: Group, device: number): void {
    group.held.delete(device);
    const state = this.#table.state.get(device);
    if (state === SUSPECT) group.overdue -= 1;
    else if (state === UNREACHABLE) group.unreachable -= 1;
  }
}

/** The fleet needs no list of its own. */
function everybody(table: DeviceTable): Group['members'] {
  return {
    get length() {
      return table.size;
    },
    [Symbol.iterator]: () => table.indices(),
  };
}
