import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Way } from './conditions.ts';
import type { Loss } from './enact.ts';
import { linkEvents } from './link-events.ts';

const loss = (fromMs: number, toMs: number, way?: Way): Loss => ({
  fromMs,
  toMs,
  cause: way === undefined ? 'link-loss' : 'partition',
  ...(way !== undefined && { way }),
});
const told = (losses: readonly Loss[], startAtMs = 0): string[] =>
  linkEvents(losses, startAtMs).map(({ atMs, action, way }) => [atMs, action, ...(way ?? [])].join(' '));

describe('what happens to a link', () => {
  it('is one loss when losses touch or overlap', () => {
    assert.deepEqual(told([loss(10, 20), loss(15, 30), loss(30, 40), loss(50, 60)]), [
      '10 link-down',
      '40 link-up',
      '50 link-down',
      '60 link-up',
    ]);
  });

  it('begins when the device does, and is nothing if it was over by then', () => {
    assert.deepEqual(told([loss(10, 20), loss(25, 40)], 30), ['30 link-down', '40 link-up']);
  });

  it('is as bad as the worst of what lasts: gone, then both ways lost, then one', () => {
    const events = linkEvents([loss(0, 60, 'up'), loss(10, 50, 'down'), loss(20, 30)], 0);
    assert.deepEqual(
      events.map(({ atMs, action, cause, way }) => [atMs, action, cause, way]),
      [
        [0, 'link-down', 'partition', 'up'],
        [10, 'link-down', 'partition', 'both'],
        [20, 'link-down', 'link-loss', undefined],
        [30, 'link-down', 'partition', 'both'],
        [50, 'link-down', 'partition', 'up'],
        [60, 'link-up', 'link-back', undefined],
      ],
    );
  });
});
