/** Count, largest and percentiles of many latencies of one kind: for a whole site and class, to within 5 %. */
import { logScale, percentile } from './log-bins.ts';
import { tidy } from './rollup-line.ts';

const SCALE = logScale(0.05, 0.1, 192);

export class LatencySummary {
  readonly #counts = new Uint32Array(SCALE.bins);
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bin = SCALE.binOf(ms);
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
    this.#count++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }

  /** Fields named after `prefix`, each preceded by a comma; empty when nothing was added. */
  fields(prefix: string): string {
    if (this.#count === 0) return '';
    const at = (quantile: number): number =>
      tidy(Math.min(this.#maxMs, percentile(this.#counts, 0, SCALE, quantile)));
    return (
      `,${prefix}_count=${this.#count}i,${prefix}_p50_ms=${at(0.5)},${prefix}_p95_ms=${at(0.95)}` +
      `,${prefix}_p99_ms=${at(0.99)},${prefix}_max_ms=${tidy(this.#maxMs)}`
    );
  }
}
