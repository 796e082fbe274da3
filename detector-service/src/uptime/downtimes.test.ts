import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Transition } from '../detector/transition.ts';
import { createStateSeries } from '../store/state-series.ts';
import { dayName } from '../store/utc-day.ts';
import { type Downtime, downtimes } from './downtimes.ts';
import { journalSource } from './journal-source.ts';
import { uptime } from './uptime.ts';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 20, 6);
const WINDOW = { from: START - HOUR_MS, to: START + 72 * HOUR_MS };

/** Downtimes in hours from the start, out of a journal with the lines of some verdicts. */
async function found(verdicts: readonly [hour: number, change: Partial<Transition>][]) {
  const series = createStateSeries();
  const lines = verdicts.flatMap(([hour, change]) => {
    const at = START + hour * HOUR_MS;
    const from = 'alive' as const;
    const about = { device: 'd1', deviceClass: 'meter', from, to: from, reason: 'heard', phi: 0 } as const;
    return series.record({ ...about, at, noticedAt: at, ...change });
  });
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-downtimes-'));
  try {
    await writeFile(join(directory, `${dayName(START)}.lp`), `${lines.join('\n')}\n`);
    const source = journalSource(directory);
    const downs: Downtime[] = [];
    for await (const down of downtimes({ source, ...WINDOW })) downs.push(down);
    const sumMs = downs.reduce((sum, { downMs }) => sum + downMs, 0);
    assert.equal(sumMs, (await uptime({ source, ...WINDOW })).total.downMs, 'the same as uptime says');
    return downs.map(({ startAt, endAt, cause, endedBy, site }) => ({
      hours: [startAt, endAt].map((at) => (at === undefined ? undefined : (at - START) / HOUR_MS)),
      why: [cause, endedBy],
      site,
    }));
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a death that nobody carries on ends after 25 hours, unwatched', async () => {
  const downs = await found([
    [0, {}],
    [1, { to: 'dead', reason: 'silence' }],
  ]);
  assert.deepEqual(downs, [{ hours: [1, 26], why: ['silence', 'unwatched'], site: undefined }]);
});

test('a death restated as unreachable was none', async () => {
  const downs = await found([
    [0, {}],
    [1, { to: 'dead', reason: 'silence' }],
    [3, {}],
    [1, { to: 'unreachable', from: 'dead', reason: 'network-was-down', restated: true }],
  ]);
  assert.deepEqual(downs, []);
});

test('a device that moves while it is dead has a downtime at each site', async () => {
  const downs = await found([
    [0, { site: 'north' }],
    [1, { to: 'dead', reason: 'silence', site: 'north' }],
    [2, { to: 'dead', reason: 'reconnect-timeout', site: 'south' }],
    [5, { from: 'dead', reason: 'new-generation', site: 'south' }],
  ]);
  assert.deepEqual(downs, [
    { hours: [1, 2], why: ['silence', 'moved'], site: 'north' },
    { hours: [2, 5], why: ['reconnect-timeout', 'new-generation'], site: 'south' },
  ]);
});
