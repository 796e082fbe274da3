/** Mean and deviation of a device's gaps, by Welford's recurrence with a bounded memory. Three slots. */
export const MOMENT_SLOTS = 3;

export function addGap(state: Float32Array, base: number, gapMs: number, memory: number): void {
  const count = Math.min(memory, (state[base] as number) + 1);
  const mean = state[base + 1] as number;
  const variance = state[base + 2] as number;
  const off = gapMs - mean;
  state[base] = count;
  state[base + 1] = mean + off / count;
  state[base + 2] = variance + ((off * off * (count - 1)) / count - variance) / count;
}

export const gapCount = (state: Float32Array, base: number): number => state[base] as number;
export const gapMean = (state: Float32Array, base: number): number => state[base + 1] as number;
export const gapDeviation = (state: Float32Array, base: number): number =>
  Math.sqrt(Math.max(0, state[base + 2] as number));
