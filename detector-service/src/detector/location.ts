/**
 * Where devices hang: every combination of gateway, site and broker that occurs, once. A device needs one number for
 * it, and a heartbeat from the usual place finds by that number all that it has to tell.
 */
import type { Placement } from './evidence.ts';
import type { Group, PlaceKind } from './group.ts';
import type { Members } from './members.ts';

export class Location implements Placement {
  readonly gateway: string | undefined;
  readonly site: string | undefined;
  readonly broker: string | undefined;
  /** By this number devices refer to it. */
  readonly number: number;
  /** The groups that its places are, as far as they count, the narrowest cause first; … */
  readonly places: readonly PlaceGroup[];
  /** … and with the fleet, if it does: the groups of whoever is here. */
  readonly groups: readonly Group[];
  readonly members: Members;

  constructor(
    { gateway, site, broker }: Placement,
    number: number,
    places: readonly PlaceGroup[],
    fleet: Group | undefined,
    members: Members,
  ) {
    this.gateway = gateway;
    this.site = site;
    this.broker = broker;
    this.number = number;
    this.places = places;
    this.groups = fleet === undefined ? places : [...places, fleet];
    this.members = members;
  }

  /** True when the placement names no other place; what it does not name does not matter. */
  agrees({ gateway, site, broker }: Placement): boolean {
    return (
      (gateway === undefined || gateway === this.gateway) &&
      (site === undefined || site === this.site) &&
      (broker === undefined || broker === this.broker)
    );
  }
}

export type PlaceGroup = Group<PlaceMembers, PlaceKind>;

/** Whoever hangs at one of a place's locations. */
export class PlaceMembers implements Iterable<number> {
  readonly #locations = new Set<Location>();
  length = 0;

  add(location: Location): void {
    this.#locations.add(location);
  }

  /** True when it was the last. */
  remove(location: Location): boolean {
    this.#locations.delete(location);
    return this.#locations.size === 0;
  }

  *[Symbol.iterator](): Generator<number> {
    for (const { members } of this.#locations) yield* members;
  }
}
