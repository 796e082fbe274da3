/** Tells people of group outages: one line when one opens, one when it is over, and counts. */
import type { Logger } from 'pino';
import type { Detector, IncidentView } from './detector/index.ts';
import { Tally } from './tally.ts';

/** Told when an incident opens, when it is over, and when it turns out to be part of another. */
export type IncidentListener = (incident: IncidentView) => void;

export class IncidentLog {
  /** Incidents by what their devices have in common. */
  readonly opened = new Tally();
  readonly #detector: Detector;
  readonly #logger: Logger;
  readonly #listeners = new Set<IncidentListener>();
  /** Numbers of those that were open when last looked at. */
  readonly #open = new Set<number>();
  #revision = 0;
  #latest = 0;

  /** What a snapshot holds was told before. */
  constructor(detector: Detector, logger: Logger) {
    this.#detector = detector;
    this.#logger = logger;
    for (const { number } of detector.incidents()) {
      this.#open.add(number);
      this.#latest = Math.max(this.#latest, number);
    }
  }

  /** To be called after every change of verdicts; costs nothing when no incident has changed. */
  look(): void {
    const { incidentsRevision } = this.#detector;
    if (incidentsRevision === this.#revision) return;
    this.#revision = incidentsRevision;
    for (const incident of this.#detector.incidents()) {
      if (incident.number > this.#latest) this.#began(incident);
      if (incident.endedAt !== undefined && this.#open.delete(incident.number)) this.#ended(incident);
    }
  }

  /** Returns the way to unsubscribe. */
  subscribe(listener: IncidentListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #began(incident: IncidentView): void {
    const { number, kind, place, since, silenced } = incident;
    this.#latest = number;
    this.#open.add(number);
    this.opened.add(kind);
    this.#logger.warn(
      { incident: number, group: kind, place, since, devices: silenced },
      'devices that have something in common fell silent together; they are unreachable, not dead',
    );
    this.#tell(incident);
  }

  #ended(incident: IncidentView): void {
    const { number, kind, place, openedAt, endedAt, silenced, missing, mergedInto } = incident;
    const details = { incident: number, group: kind, place, openedAt, endedAt, devices: silenced };
    if (mergedInto !== undefined)
      this.#logger.info({ ...details, mergedInto }, 'an outage is part of a wider one');
    else this.#logger.info({ ...details, missing }, 'an outage is over; who is missing is judged by itself');
    this.#tell(incident);
  }

  #tell(incident: IncidentView): void {
    for (const listener of this.#listeners) listener(incident);
  }
}
