/**
 * How many alarms an outage of a whole group makes: one for the incident, if it is recognised, and one for each
 * member that is called dead all the same. Outages are those that the truth tells.
 */
import type { Transition } from '../detector/index.ts';
import type { TraceDevice } from './trace-devices.ts';
import { type GroupTruth, TRUTH_GROUPS } from './truth-line.ts';

interface Outage {
  recognised: boolean;
}

export class OutageCount {
  /** Outages told so far. */
  outages = 0;
  /** Alarms while they lasted. */
  alarms = 0;
  readonly #open = new Map<string, Outage>();

  tell({ group, name, up }: GroupTruth): void {
    const key = `${group} ${name}`;
    if (up) this.#open.delete(key);
    else if (!this.#open.has(key)) {
      this.outages += 1;
      this.#open.set(key, { recognised: false });
    }
  }

  judged({ placement }: TraceDevice, { from, to, reason }: Transition): void {
    if (this.#open.size === 0) return;
    const incident = reason === 'group-outage';
    if (!incident && (to !== 'dead' || from === 'dead')) return;
    for (const group of TRUTH_GROUPS) {
      const name = placement[group];
      const outage = name === undefined ? undefined : this.#open.get(`${group} ${name}`);
      if (outage === undefined) continue;
      if (!incident || !outage.recognised) this.alarms += 1;
      if (incident) outage.recognised = true;
      return;
    }
  }
}
