/** Devices count as new up to so many gaps. */
const GAPS_MAX = 16;
/** Lateness scales that are told apart, per octave of their ratio to the interval; larger ratios than one are alike. */
const PER_OCTAVE = 3;
const OCTAVES = 20;

/**
 * The deadlines of devices that are new and have not lost a beat yet: as many gaps and about the same lateness make
 * them alike. A fleet that joins at once is solved for a few hundred times instead of once per device and beat.
 */
export class Newcomers {
  readonly #known = new Map<number, { wanted: number; version: number; solved: Float32Array }>();

  /** Those among whom a device belongs: its key, and the lateness scale they are solved for. No key: undefined. */
  alike(
    gaps: number,
    runs: number,
    scale: number,
    stepMs: number,
  ): { key: number; scale: number } | undefined {
    if (runs > 0 || gaps > GAPS_MAX) return undefined;
    const coarse = Math.ceil(PER_OCTAVE * Math.max(-OCTAVES, Math.min(0, Math.log2(scale / stepMs))));
    return {
      key: Math.round(gaps) * (PER_OCTAVE * OCTAVES + 1) - coarse,
      scale: Math.max(scale, stepMs * 2 ** (coarse / PER_OCTAVE)),
    };
  }

  /** What was solved for one of them: for a threshold within the share `moved`, and the class known as it is now. */
  solved(key: number, wanted: number, moved: number, version: number): Float32Array | undefined {
    const known = this.#known.get(key);
    if (known === undefined || known.version !== version) return undefined;
    return Math.abs(wanted - known.wanted) > moved * known.wanted ? undefined : known.solved;
  }

  keep(key: number, wanted: number, version: number, solved: Float32Array): void {
    this.#known.set(key, { wanted, version, solved });
  }
}
