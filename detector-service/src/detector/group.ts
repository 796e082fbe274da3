/** One gateway, site or broker, or the fleet: devices that one common cause can silence. */
import type { Incident } from './incident.ts';

/** Groups that a device is told to belong to. */
export const PLACE_KINDS = ['gateway', 'site', 'broker'] as const;
/** All of them, the narrowest cause first; the fleet is everybody this monitor listens to. */
export const GROUP_KINDS = [...PLACE_KINDS, 'fleet'] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number];
export type GroupKind = (typeof GROUP_KINDS)[number];

/**
 * What every heartbeat touches of its groups, by their numbers: in arrays, because a large fleet's groups as objects
 * are more than a processor's cache holds.
 */
export class GroupPulses {
  /** When a member was last heard. */
  heardAt = new Float64Array(0);
  /** 1 where a member's death waits until the group has had its say. */
  holds = new Uint8Array(0);
  readonly #free: number[] = [];
  #end = 0;

  /** The number of a new group. */
  take(): number {
    const number = this.#free.pop() ?? this.#end++;
    if (number >= this.heardAt.length) {
      const { heardAt, holds } = this;
      const capacity = Math.max(16, 2 * heardAt.length);
      this.heardAt = new Float64Array(capacity);
      this.heardAt.set(heardAt);
      this.holds = new Uint8Array(capacity);
      this.holds.set(holds);
    }
    this.heardAt[number] = Number.NEGATIVE_INFINITY;
    this.holds[number] = 0;
    return number;
  }

  giveBack(number: number): void {
    this.#free.push(number);
  }
}

export type Membership = Iterable<number> & { readonly length: number };

export class Group<M extends Membership = Membership, K extends GroupKind = GroupKind> {
  readonly kind: K;
  /** Of the gateway, site or broker; empty for the fleet. */
  readonly name: string;
  readonly members: M;
  #pulses: GroupPulses;
  #number: number;
  /** Members that are suspect now. */
  overdue = 0;
  /** Members that are unreachable now. */
  unreachable = 0;
  /** The incident that silences it as a whole. */
  incident: Incident | undefined;
  /** A large group is looked at again only when this many are silent, … */
  lookAgainAt = 0;
  /** … or this many unreachable. */
  lookAgainAtUnreachable = 0;
  #held: Set<number> | undefined;

  constructor(kind: K, name: string, members: M, pulses: GroupPulses) {
    this.kind = kind;
    this.name = name;
    this.members = members;
    this.#pulses = pulses;
    this.#number = pulses.take();
  }

  /** By which the pulses know it. */
  get number(): number {
    return this.#number;
  }

  /** Nobody belongs to it any more: another takes its number. An incident may still speak of it. */
  dissolve(): void {
    const { heardAt } = this;
    this.#pulses.giveBack(this.#number);
    this.#pulses = new GroupPulses();
    this.#number = this.#pulses.take();
    this.heardAt = heardAt;
  }

  /** When a member was last heard. */
  get heardAt(): number {
    return this.#pulses.heardAt[this.#number] as number;
  }

  set heardAt(at: number) {
    this.#pulses.heardAt[this.#number] = at;
  }

  /** Members whose death waits until the group has had its say; few groups have any. */
  get held(): ReadonlySet<number> {
    return this.#held ?? NOBODY;
  }

  hold(member: number): void {
    this.#held ??= new Set();
    this.#held.add(member);
    this.#pulses.holds[this.#number] = 1;
  }

  letGo(member: number): void {
    if (this.#held?.delete(member) !== true || this.#held.size > 0) return;
    this.#held = undefined;
    this.#pulses.holds[this.#number] = 0;
  }
}

const NOBODY: ReadonlySet<number> = new Set();
