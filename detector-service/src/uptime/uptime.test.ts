import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { writeCheckpoints } from '../store/checkpoints.ts';
import { journalReader, openJournal } from '../store/journal.ts';
import { createStateSeries } from '../store/state-series.ts';
import { journalSource } from './journal-source.ts';
import { RandomFleet } from './random-fleet.test.support.ts';
import { agreesWithTruth } from './truth.test.support.ts';
import { uptime } from './uptime.ts';

const logger = pino({ level: 'silent' });

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`the journal agrees with brute force in every window of a random fleet, seed ${seed}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-uptime-'));
    try {
      const fleet = new RandomFleet(seed, 25);
      await using journal = await openJournal({ directory, logger, now: () => fleet.now, sync: 'interval' });
      let series = createStateSeries();
      const appended: Promise<void>[] = [];
      for (const event of fleet.events(3000, 400_000)) {
        if (event.kind === 'verdict') appended.push(journal.append(series.record(event.transition)));
        if (event.kind === 'checkpoint') await writeCheckpoints(series, journal, event.now);
        if (event.kind === 'restart') {
          await Promise.all(appended.splice(0));
          series = createStateSeries();
          await series.load(journalReader(directory));
        }
      }
      await Promise.all(appended);
      assert.equal(series.counters().restatementsTooOld, 0);
      for (let n = 0; n < 120; n++) {
        const { from, to } = fleet.window();
        const select = fleet.selection();
        const report = await uptime({ source: journalSource(directory), select, from, to });
        agreesWithTruth(fleet, report, select);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}
