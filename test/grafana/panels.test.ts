/**
 * Every panel and variable of the dashboards, asked of a real InfluxDB 1.x that holds what Slowbeat writes; and those that
 * InfluxDB 3 is asked in SQL, of DuckDB, against what InfluxQL says.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openJournal, startInfluxSender } from '@slowbeat/detector-service/store';
import { ask, type Influxd, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { type DuckDbServer, needsDuckDb } from '@slowbeat/test-servers/duckdb';
import { pino } from 'pino';
import { ROOT } from '../support/sources.ts';
import { influx3Holding } from './influx3.ts';
import { type Dashboard, inSql } from './sql-dashboards.ts';
import { twoDays } from './two-days.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const logger = pino({ level: 'silent' });

const NAMES = ['fleet', 'site', 'device'];
const dashboards = NAMES.map(
  (name) => JSON.parse(readFileSync(pathOf('dashboards', name), 'utf8')) as Dashboard,
);

function pathOf(folder: 'dashboards' | 'dashboards-v3', name: string): string {
  return join(ROOT, `deploy/grafana/${folder}/${name}.json`);
}

/** The late list looks back from the server's own now, so the fleet lives up to now. */
const now = Date.now();
const start = Math.floor(now / DAY_MS) * DAY_MS - 2 * DAY_MS;

/** What Grafana puts in for its variables. */
function filledIn(query: string): string {
  return query
    .replaceAll('$timeFilter', `time >= ${start}ms and time <= ${now}ms`)
    .replaceAll(`\${__from}ms`, `${start}ms`)
    .replaceAll(`\${__to}ms`, `${now}ms`)
    .replaceAll('$__interval', '1h')
    .replaceAll(/\$\{class:regex\}/g, '(meter|valve)')
    .replaceAll('$site', 'north')
    .replaceAll('$device', 'd1');
}

/** What Grafana puts in for its variables in SQL. DuckDB's own `now()` has a time zone. */
function filledInSql(query: string): string {
  const instant = (at: number): string => `CAST('${new Date(at).toISOString()}' AS TIMESTAMP)`;
  return query
    .replaceAll('$__timeFilter(time)', `time >= ${instant(start)} AND time <= ${instant(now)}`)
    .replaceAll('$__timeFrom', instant(start))
    .replaceAll('$__timeTo', instant(now))
    .replaceAll('now()', instant(now))
    .replaceAll(`\${class:sqlstring}`, `'meter','valve'`)
    .replaceAll(`\${site:sqlstring}`, `'north'`)
    .replaceAll(`\${device:sqlstring}`, `'d1'`);
}

/** DuckDB gives integers as text; what was never told is null there and 0 or null here. */
function plain(value: unknown): unknown {
  const number = Number(value);
  return value === null || Number.isNaN(number) ? value : Math.round(number * 1e9) / 1e9;
}

let directory = '';
let influxd: Influxd | undefined;
let influx3: DuckDbServer | undefined;

describe('Grafana', needsInfluxd, () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-grafana-'));
    influxd = await startInfluxd();
    const target = { url: influxd.url, database: 'slowbeat' };
    let at = start;
    await using journal = await openJournal({ directory, logger, now: () => at, sync: 'interval' });
    const sending = { journal, target, logger, createDatabaseIfMissing: true };
    await using sender = await startInfluxSender(sending);
    for (const lines of twoDays(start, now, (instant) => (at = instant))) await journal.append(lines);
    await journal.close();
    await sender.flushed();
    assert.equal(sender.status().deadLetters, 0);
    if (!needsDuckDb.skip) influx3 = await influx3Holding(journal, directory);
  });
  after(async () => {
    await influxd?.[Symbol.asyncDispose]();
    await influx3?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  for (const { uid, panels, templating } of dashboards) {
    for (const { name, query } of templating.list.filter(({ type }) => type === 'query')) {
      it(`${uid} finds values for $${name}`, async () => {
        const values = await ask(influxd?.url ?? '', filledIn(query), { db: 'slowbeat' });
        assert.ok(values.length > 0, query);
      });
    }
    for (const { title, targets } of panels) {
      it(`${uid} has data for "${title}"`, async () => {
        for (const { query = '' } of targets) {
          const text = filledIn(query);
          assert.doesNotMatch(text, /\$[\w{]/, 'every variable is filled in');
          const rows = await ask(influxd?.url ?? '', text, { db: 'slowbeat' });
          assert.ok(rows.length > 0, text);
          for (const column of (rows[0] as unknown[]).keys()) {
            assert.ok(
              rows.some((row) => row[column] !== null),
              `column ${column} of ${text}`,
            );
          }
        }
      });
    }
  }

  for (const [index, { uid, panels }] of dashboards.map(inSql).entries()) {
    for (const [place, { title, targets }] of panels.entries()) {
      const { rawSql } = targets[0] ?? {};
      if (rawSql === undefined) continue;
      it(`${uid} says the same in SQL for "${title}"`, needsDuckDb, async () => {
        const { query = '' } = dashboards[index]?.panels[place]?.targets[0] ?? {};
        const expected = await ask(influxd?.url ?? '', filledIn(query), { db: 'slowbeat' });
        const text = filledInSql(rawSql);
        assert.doesNotMatch(text, /\$[\w{]/, 'every variable is filled in');
        const rows = (await influx3?.ask(text)) ?? [];
        const values = rows.map(({ time, class: _, device, site, ...row }) => Object.values(row).map(plain));
        const width = values[0]?.length ?? 0;
        assert.ok(width > 0, text);
        assert.deepEqual(
          values.sort(),
          expected.map((row) => row.slice(1, 1 + width).map(plain)).sort(),
          text,
        );
      });
    }
  }

  it('shows the uptime that the verdicts say', async () => {
    const uptime = dashboards[2]?.panels.find(({ title }) => title === 'Uptime')?.targets[0]?.query ?? '';
    const [[, percent]] = (await ask(influxd?.url ?? '', filledIn(uptime), { db: 'slowbeat' })) as [
      [number, number],
    ];
    const closedMs = Math.floor(now / HOUR_MS) * HOUR_MS - start;
    assert.ok(Math.abs(percent - 100 * (1 - (3 * HOUR_MS) / closedMs)) < 1e-9, `${percent}`);
  });
});

it('the dashboards for InfluxDB 3 are those in InfluxQL, with SQL where it matters', () => {
  for (const [index, name] of NAMES.entries()) {
    const path = pathOf('dashboards-v3', name);
    const made = inSql(dashboards[index] as Dashboard);
    if (process.env.SLOWBEAT_REWRITE_GOLDEN === '1') {
      writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`);
    }
    const text = readFileSync(path, 'utf8');
    assert.deepEqual(JSON.parse(text), made, 'SLOWBEAT_REWRITE_GOLDEN=1 writes it anew');
  }
});

it('every dashboard names its data source by a variable, and panels do not overlap', () => {
  for (const dashboard of dashboards) {
    const text = JSON.stringify(dashboard);
    assert.doesNotMatch(text, /"uid":"slowbeat-v\d"/);
    const taken = new Set<string>();
    for (const { gridPos, title } of (
      dashboard as unknown as { panels: { gridPos: Record<'x' | 'y' | 'w' | 'h', number>; title: string }[] }
    ).panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x},${y}`), title);
          taken.add(`${x},${y}`);
        }
      }
    }
  }
});
