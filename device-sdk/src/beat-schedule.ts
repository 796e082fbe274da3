/**
 * Which beat comes next, and when.
 *
 * The gap to the next beat is drawn when the present one is planned, so that it can be announced: the detector
 * then never takes jitter, or a changed interval, for lateness. `seq` counts planned beats, sent or not, so that
 * a gap in what arrives counts every lost beat whatever the reason.
 */
export class BeatSchedule {
  intervalMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #seq = 0;

  /** `jitter` is a fraction of the interval: each gap is even in interval × (1 ± jitter). */
  constructor(intervalMs: number, jitter: number, random: () => number) {
    this.intervalMs = intervalMs;
    this.#jitter = jitter;
    this.#random = random;
  }

  /** Uses up the next sequence number, whether the beat will be sent or is already lost. */
  takeSeq(): number {
    return this.#seq++;
  }

  /** Draws the gap to the next beat. */
  drawGapMs(): number {
    const factor = 1 + this.#jitter * (2 * this.#random() - 1);
    return Math.max(1, Math.round(this.intervalMs * factor));
  }
}
