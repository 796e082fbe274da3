/** Questions to suspects that should be reachable; an answer refutes the suspicion. */
import { FLAG } from './device-table.ts';
import type { Fleet } from './fleet.ts';

/** Whom to send a ping. */
export interface Probe {
  readonly device: string;
  readonly deviceClass: string;
}

/** Questions that wait to be taken; more are dropped, as a fleet that falls silent at once has another cause. */
const WAITING_MAX = 1000;

export class Probes {
  readonly #fleet: Fleet;
  /** False where nobody takes them. */
  readonly #wanted: boolean;
  #waiting: Probe[] = [];

  constructor(fleet: Fleet, wanted: boolean) {
    this.#fleet = fleet;
    this.#wanted = wanted;
  }

  /** Asks a suspect, if it holds a connection and has said that it answers. */
  ask(device: number): void {
    if (!this.#wanted || this.#waiting.length >= WAITING_MAX) return;
    const { table } = this.#fleet;
    if (!this.#fleet.has(device, FLAG.answersPing) || this.#fleet.has(device, FLAG.willCame)) return;
    if (table.session.get(device) < 0 || !this.#fleet.classOf(device).config.probe) return;
    if (!this.#fleet.proves(device, 'pong')) return;
    const { device: name, deviceClass } = this.#fleet.subject(device);
    this.#waiting.push({ device: name, deviceClass });
  }

  /** The questions since the last call. */
  take(): readonly Probe[] {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    return waiting;
  }
}
