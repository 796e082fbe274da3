/** Links of mixed quality, as most families have them. */
import { type Delay, exponentialDelay, withTail } from './delay.ts';
import { type Loss, markov } from './loss.ts';
import { logUniform, pick, type Random, uniform } from './random.ts';

/** Loss from one beat in five hundred to one in three, in bursts from hardly any to long ones. */
export function mixedLink(dice: Random): Loss {
  return markov(logUniform(dice, 0.002, 0.3), uniform(dice, 0.1, 0.9));
}

/** Delays of wide-area links in twelve grades; devices of a grade share one, so that the oracle tabulates it once. */
const WAN = Array.from({ length: 12 }, (_, i) =>
  withTail(exponentialDelay(200, 200 * 10 ** ((i + 0.5) / 12)), 0.002, 5000, 1.5),
);

export function wan(dice: Random): Delay {
  return pick(dice, WAN);
}
