/**
 * Caution after a mistake: what made one silence outlast its deadline (weather, a truck before the gateway, a link
 * that got worse) may be there for a while, and no model knows it yet.
 *
 * A device that was falsely called dead is trusted for longer than that silence for some time. The caution fades with
 * a thirtieth of the time that the budget allows from mistake to mistake, so that a class that keeps its budget pays
 * a few percent of its detection time for it, and mistakes do not come in rows.
 */

/** Each mistake makes deadlines longer by this factor, several by no more than that. */
const LONGER = 1.5;
const LONGER_MAX = 8;
/** Time constant as a share of the time the budget allows between two mistakes. */
const FADING = 1 / 30;
const NEGLIGIBLE = 0.02;

/** The caution, as the logarithm of the factor on deadlines, after one more mistake. */
export function afterMistake(caution: number): number {
  return Math.min(Math.log(LONGER_MAX), caution + Math.log(LONGER));
}

/** The caution after a gap; `allowed` is the number of mistakes the budget allows in it. */
export function faded(caution: number, allowed: number): number {
  const left = caution * Math.exp(-allowed / FADING);
  return left < NEGLIGIBLE ? 0 : left;
}
