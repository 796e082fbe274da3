/** All incidents: the open ones, and the latest of those that are over. */
import type { Fleet } from './fleet.ts';
import type { Group } from './group.ts';
import { Incident, type IncidentView } from './incident.ts';

/** Ended incidents that are remembered. */
const ENDED_MAX = 256;

export class IncidentBook {
  readonly #fleet: Fleet;
  readonly #open: Incident[] = [];
  readonly #ended: Incident[] = [];
  /** The incident of each device that one silences. */
  readonly #ofDevice = new Map<number, Incident>();
  /** Number of the latest incident. */
  #latest = 0;
  /** Grows with every change, so that one who shows incidents knows when to look. */
  revision = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  get open(): readonly Incident[] {
    return this.#open;
  }

  get latest(): number {
    return this.#latest;
  }

  changed(): void {
    this.revision += 1;
  }

  /** The incident that silences the device. */
  of(device: number): Incident | undefined {
    return this.#ofDevice.get(device);
  }

  silence(incident: Incident, device: number): void {
    this.changed();
    incident.silence(device);
    this.#ofDevice.set(device, incident);
  }

  /** It is heard, or judged by itself, or what is known of it comes from elsewhere. */
  release(device: number): void {
    this.of(device)?.silent.delete(device);
    this.#ofDevice.delete(device);
  }

  /** Opens an incident of the group, or widens the eldest of its parts, or renews the one it has. */
  begin(group: Group, since: number, now: number, parts: ReadonlySet<Incident>): Incident {
    this.changed();
    const byAge = [...parts].sort((a, b) => a.number - b.number);
    const [eldest, ...others] = group.incident === undefined ? byAge : [group.incident, ...byAge];
    if (eldest === undefined) {
      this.#latest += 1;
      return this.#add(new Incident(this.#latest, group, since, now));
    }
    eldest.group.incident = undefined;
    eldest.group = group;
    group.incident = eldest;
    eldest.relapse(since);
    for (const part of others) {
      for (const device of part.silent) this.#ofDevice.set(device, eldest);
      eldest.absorb(part);
      part.mergedInto = eldest.number;
      this.end(part, now);
    }
    return eldest;
  }

  /** Over: whoever is silent still is judged by itself. */
  end(incident: Incident, at: number): void {
    if (incident.endedAt !== undefined) return;
    this.changed();
    incident.endedAt = at;
    incident.missing = incident.silent.size;
    for (const device of incident.silent) this.#ofDevice.delete(device);
    incident.silent.clear();
    incident.group.incident = undefined;
    this.#open.splice(this.#open.indexOf(incident), 1);
    this.#ended.push(incident);
    if (this.#ended.length > ENDED_MAX) this.#ended.shift();
  }

  /** Takes up an incident from a snapshot, with the members that are unreachable for no other. */
  resume(incident: Incident, latest: number): void {
    this.#latest = Math.max(this.#latest, latest);
    for (const member of incident.group.members) {
      if (this.#fleet.state(member) !== 'unreachable' || this.of(member) !== undefined) continue;
      if (this.#fleet.reason(member) !== 'group-outage') continue;
      incident.silent.add(member);
      this.#ofDevice.set(member, incident);
    }
    this.#add(incident);
  }

  /** Oldest first; those that ended first. */
  views(): IncidentView[] {
    return [...this.#ended, ...this.#open].map((incident) => this.#viewOf(incident));
  }

  #add(incident: Incident): Incident {
    incident.group.incident = incident;
    this.#open.push(incident);
    return incident;
  }

  #viewOf(incident: Incident): IncidentView {
    const { number, group, since, openedAt, backSince, endedAt, mergedInto, silenced, silent } = incident;
    return {
      number,
      kind: group.kind,
      place: group.kind === 'fleet' ? undefined : group.name,
      since,
      openedAt,
      backSince,
      endedAt,
      mergedInto,
      silenced,
      missing: endedAt === undefined ? silent.size : incident.missing,
    };
  }
}
