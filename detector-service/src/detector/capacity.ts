/** Steps in which room for devices doubles. Fewer waste memory; more copy a growing fleet more often. */
const STEPS = 6;
const LEAST = 16;

/**
 * For how many devices to make room when there must be some for `devices`. Less than an eighth is wasted, and hardly
 * anything on the round numbers by which fleets are planned, as a thousand is near to a power of two.
 */
export function capacityFor(devices: number): number {
  return Math.max(LEAST, Math.ceil(2 ** (Math.ceil(STEPS * Math.log2(devices)) / STEPS)));
}
