import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { type Verdict, VerdictHistory } from './verdict-history.ts';

const verdict = (at: number, site?: string): Verdict => ({
  at,
  bumpedMs: 0,
  state: at % 2 ? 'alive' : 'dead',
  reason: 'heard',
  phi: at / 8,
  site,
});

test('devices keep their verdicts whatever others add, drop and leave behind, and through a snapshot', () => {
  const random = seeded(9);
  let history = new VerdictHistory();
  const expected = new Map<number, Verdict[]>();
  const forget = (row: number): void => {
    history.remove(row);
    expected.delete(row);
  };
  for (let step = 0; step < 20_000; step++) {
    const row = Math.floor(random() * 40);
    const kept = expected.get(row);
    if (kept === undefined) {
      history.add(row);
      expected.set(row, []);
    } else if (random() < 0.01) forget(row);
    else if (kept.length > 0 && (random() < 0.3 || kept.length === 200)) {
      history.shift(row);
      kept.shift();
    } else {
      const fresh = verdict(step, random() < 0.5 ? 'north' : undefined);
      history.push(row, fresh);
      kept.push(fresh);
    }
    if (step % 5000 === 4999) {
      const copy = new VerdictHistory();
      for (const text of history.reasons.all()) copy.reasons.number(text);
      for (const text of history.sites.all()) copy.sites.number(text);
      for (const [name, values] of history.columns.entries(0, 40)) {
        copy.columns.restore(name, values.slice(), 0);
      }
      copy.restore(history.gathered(0, 40), 0, 40);
      history = copy;
    }
  }
  for (const [row, kept] of expected) assert.deepEqual(history.all(row), kept, `row ${row}`);
});
