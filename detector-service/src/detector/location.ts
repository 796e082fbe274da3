/**
 * Where devices hang: every combination of gateway, site and broker that occurs, once. A device needs one number for
 * it, and a heartbeat from the usual place finds by that number all that it has to tell.
 */
import type { Placement } from './evidence.ts';
import type { Group } from './groups.ts';
import type { Members } from './members.ts';

export class Location implements Placement {
  readonly gateway: string | undefined;
  readonly site: string | undefined;
  readonly broker: string | undefined;
  /** By this number devices refer to it. */
  readonly number: number;
  /** The groups of whoever is here, the narrowest cause first. */
  readonly groups: readonly Group[];
  readonly members: Members;

  constructor(
    { gateway, site, broker }: Placement,
    number: number,
    groups: readonly Group[],
    members: Members,
  ) {
    this.gateway = gateway;
    this.site = site;
    this.broker = broker;
    this.number = number;
    this.groups = groups;
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
