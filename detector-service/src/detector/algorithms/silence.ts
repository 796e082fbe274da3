import { LatenessSketch } from './lateness-sketch.ts';
import { type Mass, runReach, runSurvival } from './run-law.ts';

/** Earlier beats that may still be on their way; what lies further back no longer counts. */
const BEATS_UNDERWAY = 4;
/** Smallest margin, in steps: a deadline never sits on the instant at which a beat is due. */
const MARGIN_MIN = 0.01;
/** Nor so shortly before it. */
const BEFORE_DUE = 0.05;
/** Gaps over which the class's scales are averaged. */
const MEMORY = 2000;

/** A point in a silence: `marginMs` after the `beats`-th expected beat. */
export interface Point {
  beats: number;
  marginMs: number;
}

/**
 * The survival of a silence: the probability that a live device is still unheard at a point of it.
 *
 * Either every beat expected so far was lost, or the first that was not is still on its way. With K the beats lost
 * before the next received one, S = P(K ≥ k) + Σ_{j<k} P(K = j) · P(beat j + 1 is later than the time since it was
 * due). The announced beat has only the link's lateness; those after it have the unsteadiness of every step too.
 */
export class Silence {
  /** Lateness of the announced beat, in units of the device's scale. */
  readonly #late = new LatenessSketch();
  /** Lateness of a beat that comes after lost ones, in units of scale and jitter together. */
  readonly #later = new LatenessSketch();
  /** [logarithm of the typical lateness scale, its samples, jitter of a step relative to it, its samples] */
  readonly #typical: Float64Array;

  constructor(intervalMs: number) {
    this.#typical = Float64Array.of(Math.log(0.02 * intervalMs), 0, 0.05, 0);
  }

  /** Lateness scale for a device of which nothing is known. Milliseconds. */
  get scaleMs(): number {
    return Math.exp(this.#typical[0] as number);
  }

  /** The next planned beat came `lateMs` late. Returns the device's new scale. */
  learnLate(scale: number, lateMs: number, gaps: number): number {
    this.#late.learn(lateMs / scale);
    const sample = Math.min(Math.abs(lateMs), 6 * scale);
    const next = Math.max(1, scale + (sample - scale) / Math.min(50, gaps + 2));
    const typical = this.#typical;
    typical[1] = Math.min(MEMORY, (typical[1] as number) + 1);
    typical[0] =
      (typical[0] as number) + (Math.log(next) - (typical[0] as number)) / ((typical[1] as number) + 3);
    return next;
  }

  /** The beat after `missed` lost ones came `lateMs` after its expected instant. */
  learnLater(scale: number, lateMs: number, stepMs: number, missed: number): void {
    this.#later.learn(lateMs / this.#spread(scale, stepMs, missed));
    const typical = this.#typical;
    const jitter = typical[2] as number;
    const sample = Math.min(Math.abs(lateMs) / (stepMs * Math.sqrt(missed)), 6 * jitter + 1e-6);
    typical[3] = Math.min(MEMORY, (typical[3] as number) + 1);
    typical[2] = jitter + (sample - jitter) / ((typical[3] as number) + 4);
  }

  /** P(unheard at a point | alive); `losses` is the device's belief as `LinkPrior.lossMass`. */
  survival(losses: Mass, beats: number, marginMs: number, stepMs: number, scale: number): number {
    let later = runSurvival(losses, beats);
    let sum = later;
    for (let back = 0; back < Math.min(beats, BEATS_UNDERWAY); back++) {
      const k = beats - 1 - back;
      const sooner = k === 0 ? 1 : runSurvival(losses, k);
      sum += (sooner - later) * this.#lateAfter(k, marginMs + back * stepMs, stepMs, scale);
      later = sooner;
    }
    return sum;
  }

  /** The earliest point at which the survival is at most `limit`. */
  reach(losses: Mass, limit: number, stepMs: number, scale: number, into: Point): void {
    let beats = runReach(losses, limit);
    let rest = this.survival(losses, beats, stepMs, stepMs, scale);
    while (beats < BEATS_MAX && rest > limit) {
      beats++;
      rest = this.survival(losses, beats, stepMs, stepMs, scale);
    }
    const sooner = beats === 1 ? 1 : runSurvival(losses, beats - 1);
    const later = runSurvival(losses, beats);
    const underway = Math.max(Number.MIN_VALUE, sooner - later);
    const marginMs = this.#reachAfter(beats - 1, (limit - rest) / underway, stepMs, scale);
    into.beats = beats;
    into.marginMs = Math.max(marginMs, MARGIN_MIN * stepMs);
    if (marginMs > (1 - BEFORE_DUE) * stepMs) {
      // Just before a beat is due: hearing whether it comes costs next to nothing.
      into.beats++;
      into.marginMs = BEFORE_DUE * stepMs;
    }
  }

  /** Learned state, by reference, for snapshots. */
  persistent(): Float64Array[] {
    return [this.#typical, ...this.#late.persistent(), ...this.#later.persistent()];
  }

  #lateAfter(missed: number, marginMs: number, stepMs: number, scale: number): number {
    return missed === 0
      ? this.#late.survival(marginMs / scale)
      : this.#later.survival(marginMs / this.#spread(scale, stepMs, missed));
  }

  /** The margin, at most a step, at which `#lateAfter` is down to `limit`. */
  #reachAfter(missed: number, limit: number, stepMs: number, scale: number): number {
    if (limit <= 0) return stepMs;
    const scaled = missed === 0 ? this.#late.reach(limit) : this.#later.reach(limit);
    return Math.min(stepMs, scaled * (missed === 0 ? scale : this.#spread(scale, stepMs, missed)));
  }

  #spread(scale: number, stepMs: number, missed: number): number {
    return scale + (this.#typical[2] as number) * stepMs * Math.sqrt(missed);
  }
}

const BEATS_MAX = 30_000;
