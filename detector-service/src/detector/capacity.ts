/**
 * Steps of room for devices: Renard's preferred numbers (ISO 3, R20), a factor of 1.12 apart. Fleets are planned in
 * round numbers, and these have them all; fewer steps waste more memory, more copy a growing fleet more often.
 */
const STEPS = [
  1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9, 10,
];
/** The least power of ten that all steps make whole numbers of. */
const LEAST = 100;

/** For how many devices to make room when there must be some for `devices`. At most 15 % are wasted. */
export function capacityFor(devices: number): number {
  let unit = LEAST;
  while (10 * unit < devices) unit *= 10;
  const step = STEPS.find((each) => Math.round(each * unit) >= devices) as number;
  return Math.round(step * unit);
}
