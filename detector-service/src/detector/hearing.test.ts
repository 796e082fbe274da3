import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';

const INTERVAL_MS = 60_000;

/** A device that has beaten for an hour, is silent for an hour, and comes back with a birth before its beat. */
function returned(back: { generation: number; session: number; seq: number }, blind: boolean): Detector {
  const detector = new Detector({ classes: { meter: classConfig({ intervalMs: INTERVAL_MS }) } });
  const about = { deviceClass: 'meter', device: 'd' } as const;
  for (let seq = 0; seq < 60; seq += 1) {
    detector.observe({ kind: 'beat', ...about, generation: 1, session: 1, seq }, seq * INTERVAL_MS);
  }
  const until = 120 * INTERVAL_MS;
  if (blind) detector.observe({ kind: 'monitor', up: false }, 60 * INTERVAL_MS);
  if (blind) detector.observe({ kind: 'monitor', up: true }, until - 1000);
  detector.advance(until);
  const { seq, ...session } = back;
  detector.observe({ kind: 'birth', ...about, ...session, uptimeMs: 1000 }, until);
  detector.observe({ kind: 'beat', ...about, ...session, seq }, until + 1);
  return detector;
}

const gaps = (detector: Detector) =>
  detector.explain('meter', 'd', 121 * INTERVAL_MS)?.learned.gaps as number;

test('a beat right after the birth of a new boot, or after blind time, teaches nothing of the silence before', () => {
  assert.equal(gaps(returned({ generation: 2, session: 1, seq: 0 }, false)), 59);
  assert.equal(gaps(returned({ generation: 1, session: 2, seq: 120 }, true)), 59);
});

test('a beat right after the birth of the same boot teaches the silence that it has survived', () => {
  assert.ok(gaps(returned({ generation: 1, session: 2, seq: 120 }, false)) > 59);
});
