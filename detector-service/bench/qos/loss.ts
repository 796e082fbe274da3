import type { Random } from './random.ts';

/**
 * The true loss process of a link, seen from a received beat: how many beats are lost before the next received
 * one, and the probability that it is at least so many.
 */
export interface Loss {
  draw(dice: Random): number;
  /** P(at least `k` beats lost before the next received one). */
  survival(k: number): number;
}

/** Two-state Markov losses: a run starts with `entry` and goes on with `stay`. Independent when they are equal. */
export function markov(entry: number, stay: number): Loss {
  return {
    draw: (dice) => (dice.next() >= entry ? 0 : 1 + Math.floor(Math.log(1 - dice.next()) / Math.log(stay))),
    survival: (k) => (k <= 0 ? 1 : entry * stay ** (k - 1)),
  };
}

export const independent = (loss: number): Loss => markov(loss, loss);

/** Bursts whose length has a power-law tail: P(run ≥ k) = k^−shape. */
export function paretoBursts(entry: number, shape: number): Loss {
  return {
    draw: (dice) => (dice.next() >= entry ? 0 : Math.min(1e5, Math.floor((1 - dice.next()) ** (-1 / shape)))),
    survival: (k) => (k <= 0 ? 1 : entry * k ** -shape),
  };
}

/** Bursts with a stretched-exponential tail: P(run ≥ k) = exp(−((k − 1) / scale)^shape); a shape below 1 is heavy. */
export function weibullBursts(entry: number, scale: number, shape: number): Loss {
  return {
    draw: (dice) =>
      dice.next() >= entry
        ? 0
        : Math.min(1e5, 1 + Math.floor(scale * (-Math.log(1 - dice.next())) ** (1 / shape))),
    survival: (k) => (k <= 0 ? 1 : entry * Math.exp(-(((k - 1) / scale) ** shape))),
  };
}

/** Two kinds of burst: most go on with `stay`, a `share` of them with `stayLong`. */
export function twoScaleBursts(entry: number, stay: number, share: number, stayLong: number): Loss {
  return {
    draw: (dice) => {
      if (dice.next() >= entry) return 0;
      const goesOn = dice.next() < share ? stayLong : stay;
      return 1 + Math.floor(Math.log(1 - dice.next()) / Math.log(goesOn));
    },
    survival: (k) => (k <= 0 ? 1 : entry * ((1 - share) * stay ** (k - 1) + share * stayLong ** (k - 1))),
  };
}

/**
 * Gilbert–Elliott with hidden states: the good state loses `lossGood`, the bad one `lossBad`; after each beat
 * the state turns bad with `toBad`, good with `toGood`. Not a renewal process; after a received beat the state
 * is taken as distributed in the long run, which is what somebody who sees arrivals alone knows first.
 */
export function hiddenMarkov(toBad: number, toGood: number, lossGood: number, lossBad: number): Loss {
  let bad = false;
  const pBad = (toBad * (1 - lossBad)) / (toBad * (1 - lossBad) + toGood * (1 - lossGood));
  const known: number[] = [1];
  let massGood = 1 - pBad;
  let massBad = pBad;
  return {
    draw: (dice) => {
      for (let k = 0; ; k++) {
        bad = dice.next() < (bad ? 1 - toGood : toBad);
        if (dice.next() >= (bad ? lossBad : lossGood) || k > 1e5) return k;
      }
    },
    survival: (k) => {
      while (known.length <= k) {
        const good = (massGood * (1 - toBad) + massBad * toGood) * lossGood;
        massBad = (massGood * toBad + massBad * (1 - toGood)) * lossBad;
        massGood = good;
        known.push(massGood + massBad);
      }
      return known[k] as number;
    },
  };
}
