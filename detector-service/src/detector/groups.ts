/**
 * Which devices share a gateway, a site, a broker or us: what can be silenced by one common cause.
 *
 * Names come from outside, any number of them: a location lasts as long as there is a device, a group as long as it
 * has a location.
 */
import type { DeviceTable } from './device-table.ts';
import type { Placement } from './evidence.ts';
import {
  GROUP_KINDS,
  Group,
  type GroupKind,
  GroupPulses,
  type Membership,
  PLACE_KINDS,
  type PlaceKind,
} from './group.ts';
import { Location, type PlaceGroup, PlaceMembers } from './location.ts';
import { MemberLinks, Members } from './members.ts';
import { STATES, type State } from './transition.ts';

const SUSPECT = STATES.indexOf('suspect');
const UNREACHABLE = STATES.indexOf('unreachable');
/** Number of the location of whoever has not said where it is. */
const NOWHERE = 0;
const NONE = -1;

export class Groups {
  readonly #table: DeviceTable;
  readonly #kinds: readonly PlaceKind[];
  readonly #fleet: Group | undefined;
  readonly #pulses = new GroupPulses();
  readonly #named: Record<PlaceKind, Map<string, PlaceGroup>> = {
    gateway: new Map(),
    site: new Map(),
    broker: new Map(),
  };
  readonly #links = new MemberLinks();
  readonly #locations: (Location | undefined)[] = [];
  /** The numbers of the groups at each location, as many as there are kinds, narrowest first, then NONE. */
  #numbers = new Int32Array(0);
  /** Locations by what they are made of; numbers of former ones. */
  readonly #byPlacement = new Map<string, Location>();
  readonly #free: number[] = [];

  /** @param kinds those that count as a possible common cause */
  constructor(table: DeviceTable, kinds: readonly GroupKind[]) {
    this.#table = table;
    this.#kinds = PLACE_KINDS.filter((kind) => kinds.includes(kind));
    this.#fleet = kinds.includes('fleet')
      ? new Group('fleet', '', everybody(table), this.#pulses)
      : undefined;
    this.#locationOf({});
  }

  /** Says where a device hangs; what is not said stays as it was. */
  place(device: number, placement: Placement): void {
    const here = this.at(device);
    if (here.agrees(placement)) return;
    const { gateway = here.gateway, site = here.site, broker = here.broker } = placement;
    this.move(device, this.#locationOf({ gateway, site, broker }));
  }

  move(device: number, to: Location): void {
    const from = this.at(device);
    if (from === to) return;
    if (from.number !== NOWHERE) this.#leave(device, from);
    this.#table.location.set(device, to.number);
    if (to.number !== NOWHERE) this.#join(device, to);
  }

  /** Takes a device out of all its groups; to be called before it leaves the table. */
  remove(device: number): void {
    this.move(device, this.#locations[NOWHERE] as Location);
    if (this.#fleet !== undefined) this.#forget(this.#fleet, device);
  }

  /** Takes up a device from a snapshot, which was last heard at `at`. It has been placed. */
  recall(device: number, at: number): void {
    for (const group of this.of(device)) if (at > group.heardAt) group.heardAt = at;
    // Nobody joins the fleet, so nobody was counted there.
    if (this.#fleet !== undefined) this.#countIn(this.#fleet, device, 1);
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
      if (2 * group.unreachable < group.lookAgainAtUnreachable) group.lookAgainAtUnreachable = 0;
    }
  }

  /** Where the device hangs. */
  at(device: number): Location {
    return this.#locations[this.#table.location.get(device)] as Location;
  }

  /** A member was heard: notes it in all its groups. True when a death waits in one of them for this. */
  hear(device: number, at: number): boolean {
    const first = GROUP_KINDS.length * this.#table.location.get(device);
    const { heardAt, holds } = this.#pulses;
    let holding = 0;
    for (let nth = first; nth < first + GROUP_KINDS.length; nth += 1) {
      const group = this.#numbers[nth] as number;
      if (group === NONE) break;
      heardAt[group] = at;
      holding |= holds[group] as number;
    }
    return holding !== 0;
  }

  /** The groups of a device, narrowest cause first. */
  of(device: number): readonly Group[] {
    return this.at(device).groups;
  }

  /** The group of that kind and name; undefined when nobody belongs to it. */
  named(kind: GroupKind, name: string): Group | undefined {
    return kind === 'fleet' ? this.#fleet : this.#named[kind].get(name);
  }

  /** All locations by number, for snapshots; undefined where a number is free. */
  get locations(): readonly (Location | undefined)[] {
    return this.#locations;
  }

  /** Makes the locations of a snapshot under the numbers they had, and gives them to `fill`, who places devices. */
  restore(
    placements: readonly (Placement | null)[],
    fill: (locations: readonly (Location | undefined)[]) => void,
  ): void {
    for (const [number, placement] of placements.entries()) {
      if (number === NOWHERE) continue;
      if (placement === null) this.#locations.push(undefined);
      else this.#found(placement, keyOf(placement), number);
    }
    fill(this.#locations);
    for (const [number, location] of this.#locations.entries()) {
      if (location === undefined) this.#free.push(number);
      else if (number !== NOWHERE && location.members.length === 0) this.#abandon(location);
    }
  }

  /** The location of that placement, made on first sight; it is forgotten when the last device leaves it. */
  #locationOf(placement: Placement): Location {
    const key = keyOf(placement);
    const known = this.#byPlacement.get(key);
    return known ?? this.#found(placement, key, this.#free.pop() ?? this.#locations.length);
  }

  #found(placement: Placement, key: string, number: number): Location {
    const places = this.#kinds.flatMap((kind) => this.#groupAt(kind, placement[kind]) ?? []);
    const location = new Location(placement, number, places, this.#fleet, new Members(this.#links));
    for (const { members } of places) members.add(location);
    this.#locations[number] = location;
    this.#byPlacement.set(key, location);
    this.#number(location);
    return location;
  }

  #number({ number, groups }: Location): void {
    const first = GROUP_KINDS.length * number;
    if (first >= this.#numbers.length) {
      const numbers = new Int32Array(GROUP_KINDS.length * Math.max(16, 2 * number));
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers.fill(NONE, first, first + GROUP_KINDS.length);
    this.#numbers.set(
      groups.map((group) => group.number),
      first,
    );
  }

  /** Made on first sight. */
  #groupAt(kind: PlaceKind, name: string | undefined): PlaceGroup | undefined {
    if (name === undefined) return undefined;
    let group = this.#named[kind].get(name);
    if (group === undefined) {
      group = new Group(kind, name, new PlaceMembers(), this.#pulses);
      this.#named[kind].set(name, group);
    }
    return group;
  }

  #join(device: number, location: Location): void {
    location.members.join(device);
    for (const group of location.places) {
      group.members.length += 1;
      this.#countIn(group, device, 1);
    }
  }

  #leave(device: number, location: Location): void {
    location.members.leave(device);
    for (const group of location.places) {
      group.members.length -= 1;
      this.#forget(group, device);
    }
    if (location.members.length === 0) this.#abandon(location);
  }

  #abandon(location: Location): void {
    this.#locations[location.number] = undefined;
    this.#free.push(location.number);
    this.#byPlacement.delete(keyOf(location));
    for (const group of location.places) {
      if (!group.members.remove(location)) continue;
      this.#named[group.kind].delete(group.name);
      group.dissolve();
    }
  }

  #forget(group: Group, device: number): void {
    group.letGo(device);
    this.#countIn(group, device, -1);
  }

  #countIn(group: Group, device: number, by: number): void {
    const state = this.#table.state.get(device);
    if (state === SUSPECT) group.overdue += by;
    else if (state === UNREACHABLE) group.unreachable += by;
  }
}

/** The fleet needs no list of its own. */
function everybody(table: DeviceTable): Membership {
  return {
    get length() {
      return table.size;
    },
    [Symbol.iterator]: () => table.indices(),
  };
}

const keyOf = ({ gateway, site, broker }: Placement): string => JSON.stringify([gateway, site, broker]);
