import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsVictoriaMetrics, startVictoriaMetrics } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { FLEET_START, RandomFleet } from '../uptime/random-fleet.test.support.ts';
import { FleetSeries } from './fleet-series.ts';
import { openJournal } from './journal.ts';
import { startInfluxSender } from './sender.ts';
import { DAY_MS } from './utc-day.ts';

for (const place of [{ database: 'fleet' }, { bucket: 'fleet' }]) {
  test(
    `VictoriaMetrics has exact totals, written as a ${Object.keys(place)}`,
    needsVictoriaMetrics,
    async () => {
      await using server = await startVictoriaMetrics();
      const directory = await mkdtemp(join(tmpdir(), 'slowbeat-victoria-journal-'));
      const logger = pino({ level: 'silent' });
      try {
        const fleet = new RandomFleet(5, 40);
        const series = new FleetSeries();
        series.hears(FLEET_START);
        await using journal = await openJournal({ directory, logger });
        for (const event of fleet.events(2500, 300_000)) {
          await journal.append([...series.closeSlots(event.now)].flat());
          if (event.kind === 'verdict') await journal.append(series.record(event.transition));
          if (event.kind === 'checkpoint') await journal.append([...series.checkpoint(event.now)].flat());
        }
        await using sender = await startInfluxSender({
          journal,
          target: { url: server.url, ...place },
          logger,
        });
        await sender.flushed();
        assert.equal(sender.status().deadLetters, 0);

        const up = await newest(await server.samples('device_1d_up_ms'));
        const down = await newest(await server.samples('device_1d_down_ms'));
        assert.ok(up.size > 200);
        const days = new Map<string, [number, number]>();
        for (const [key, value] of up) {
          const [name = '', , at] = key.split('|');
          const sum = days.get(`${name}|${at}`) ?? [0, 0];
          days.set(`${name}|${at}`, [sum[0] + value, sum[1] + (down.get(key) ?? 0)]);
        }
        for (const [key, sums] of days) {
          const [name = '', at] = key.split('|');
          const truth = fleet.truth(name, Number(at), Number(at) + DAY_MS);
          assert.deepEqual(sums, [truth?.upMs, truth?.downMs], key);
        }
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  );
}

/** Of each point what was said last: the greatest `rev`, which is a label here. */
async function newest(
  series: Awaited<ReturnType<Awaited<ReturnType<typeof startVictoriaMetrics>>['samples']>>,
): Promise<Map<string, number>> {
  const values = new Map<string, number>();
  const inOrder = series.toSorted(
    (one, other) => Number(one.labels.rev ?? -1) - Number(other.labels.rev ?? -1),
  );
  for (const { labels, values: all, timestamps } of inOrder) {
    for (const [index, at] of timestamps.entries()) {
      values.set(`${labels.class}/${labels.device}|${labels.site ?? ''}|${at}`, all[index] as number);
    }
  }
  return values;
}
