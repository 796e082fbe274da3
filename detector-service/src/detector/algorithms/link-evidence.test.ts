import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRIES, EVIDENCE_SLOTS, LinkLikelihood } from './link-evidence.ts';
import { DECAYS, LAWS, logLength, STAYS } from './run-laws.ts';

/** What a device has to show after `trials` gaps with these runs. */
function evidence(trials: number, runs: readonly number[]): Float64Array {
  const state = new Float64Array(EVIDENCE_SLOTS);
  state[0] = trials;
  for (const length of runs) {
    state[1] = (state[1] as number) + 1;
    state[2] = (state[2] as number) + length - 1;
    state[3] = (state[3] as number) + logLength(length);
  }
  return state;
}

const likeliest = (values: Float64Array): number => values.indexOf(Math.max(...values));

test('the likeliest entry and stay are those that were seen', () => {
  const likelihood = new LinkLikelihood();
  // A stay of a half: half of the runs go on, half of these again.
  const runs = Array.from({ length: 63 }, (_, i) => 1 + Math.floor(6 - Math.log2(i + 1)));
  likelihood.of(evidence(630, runs), 0);
  const entry = ENTRIES[likeliest(likelihood.byEntry)] as number;
  assert.ok(entry > 0.08 && entry < 0.125, `${entry}`);
  const stay = STAYS[likeliest(likelihood.byLaw.subarray(0, STAYS.length))] as number;
  assert.ok(stay > 0.35 && stay < 0.65, `${stay}`);
  assert.ok(likelihood.from > 0 && likelihood.to < ENTRIES.length);
});

test('many short runs and a few long ones tell a power law from a Markov chain', () => {
  const likelihood = new LinkLikelihood();
  const bursts = Array.from({ length: 300 }, (_, i) => Math.floor(((i + 0.5) / 300) ** (-1 / 1.5)));
  likelihood.of(evidence(10_000, bursts), 0);
  const found = LAWS[likeliest(likelihood.byLaw)] as (typeof LAWS)[number];
  assert.ok(DECAYS.includes(found.decay), `${found.decay}`);
  const chain = Array.from(
    { length: 300 },
    (_, i) => 1 + Math.floor(Math.log((i + 0.5) / 300) / Math.log(0.6)),
  );
  likelihood.of(evidence(10_000, chain), 0);
  const law = LAWS[likeliest(likelihood.byLaw)] as (typeof LAWS)[number];
  assert.ok(law.decay === 0 && Math.abs(law.stay - 0.6) < 0.06, `${law.decay}, ${law.stay}`);
});

test('a run that goes on counts as at least as long as it is', () => {
  const likelihood = new LinkLikelihood();
  likelihood.of(evidence(0, []), 0, 6);
  const six = STAYS.map((stay) => stay ** 5);
  const top = Math.max(...likelihood.byLaw);
  STAYS.forEach((_, law) => {
    const expected =
      ((six[law] as number) / (six.at(-1) as number)) * (likelihood.byLaw[STAYS.length - 1] as number);
    assert.ok(Math.abs((likelihood.byLaw[law] as number) - expected) < 1e-6 * top);
  });
  assert.ok((likelihood.byEntry[0] as number) < (likelihood.byEntry[30] as number), 'a run has begun');
});
