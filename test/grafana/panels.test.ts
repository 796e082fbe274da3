/** Every panel and variable of the dashboards, asked of a real InfluxDB 1.x that holds what Slowbeat writes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Transition } from '@slowbeat/detector-service/detector';
import { FleetSeries, openJournal, startInfluxSender } from '@slowbeat/detector-service/store';
import { ask, type Influxd, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { pino } from 'pino';
import { ROOT } from '../support/sources.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const logger = pino({ level: 'silent' });

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly query: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
}

const dashboards = ['fleet', 'site', 'device'].map(
  (name) =>
    JSON.parse(readFileSync(join(ROOT, `deploy/grafana/dashboards/${name}.json`), 'utf8')) as Dashboard,
);

/** The late list looks back from the server's own now, so the fleet lives up to now. */
const now = Date.now();
const start = Math.floor(now / DAY_MS) * DAY_MS - 2 * DAY_MS;

/** What Grafana puts in for its variables. */
function filledIn(query: string): string {
  return query
    .replaceAll('$timeFilter', `time >= ${start}ms and time <= ${now}ms`)
    .replaceAll('$__interval', '1h')
    .replaceAll(/\$\{class:regex\}/g, '(meter|valve)')
    .replaceAll('$site', 'north')
    .replaceAll('$device', 'd1');
}

let directory = '';
let influxd: Influxd | undefined;

describe('Grafana', needsInfluxd, () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-grafana-'));
    influxd = await startInfluxd();
    const target = { url: influxd.url, database: 'slowbeat' };
    let at = start;
    await using journal = await openJournal({ directory, logger, now: () => at, sync: 'interval' });
    const sending = { journal, target, logger, createDatabaseIfMissing: true };
    await using sender = await startInfluxSender(sending);
    for (const lines of twoDays((instant) => (at = instant))) await journal.append(lines);
    await journal.close();
    await sender.flushed();
    assert.equal(sender.status().deadLetters, 0);
  });
  after(async () => {
    await influxd?.[Symbol.asyncDispose]();
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
        for (const { query } of targets) {
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

  it('shows the uptime that the verdicts say', async () => {
    const uptime = dashboards[2]?.panels.find(({ title }) => title === 'Uptime')?.targets[0]?.query ?? '';
    const [[, percent]] = (await ask(influxd?.url ?? '', filledIn(uptime), { db: 'slowbeat' })) as [
      [number, number],
    ];
    const closedMs = Math.floor(now / HOUR_MS) * HOUR_MS - start;
    assert.ok(Math.abs(percent - 100 * (1 - (3 * HOUR_MS) / closedMs)) < 1e-9, `${percent}`);
  });
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

const DEVICES = [
  { deviceClass: 'meter', device: 'd1', site: 'north' },
  { deviceClass: 'meter', device: 'd2', site: 'south' },
  { deviceClass: 'valve', device: 'd3', site: 'north' },
];

/** A beat every quarter of an hour; d1 is dead for three hours of the second day, and d3 at the end. */
function* twoDays(onInstant: (at: number) => void): Generator<string[]> {
  const series = new FleetSeries();
  const transition = (
    index: number,
    at: number,
    rest: Pick<Transition, 'from' | 'to' | 'reason'>,
  ): Transition => ({
    ...(DEVICES[index] as (typeof DEVICES)[number]),
    at,
    noticedAt: at,
    phi: 1.5,
    ...rest,
  });
  series.hears(start);
  for (const index of DEVICES.keys()) {
    yield series.record(transition(index, start, { from: 'unknown', to: 'alive', reason: 'first-seen' }));
  }
  const [diesAt, returnsAt] = [start + DAY_MS + 6 * HOUR_MS, start + DAY_MS + 9 * HOUR_MS];
  for (let at = start + MINUTE_MS; at <= now; at += MINUTE_MS) {
    onInstant(at);
    yield [...series.closeSlots(at)].flat();
    if (at % DAY_MS === 0) yield [...series.checkpoint(at)].flat();
    if (at === diesAt)
      yield series.record(transition(0, at, { from: 'alive', to: 'dead', reason: 'silence' }));
    if (at === returnsAt)
      yield series.record(transition(0, at, { from: 'dead', to: 'alive', reason: 'heard' }));
    if (at % (15 * MINUTE_MS) !== 0) continue;
    for (const { deviceClass, device } of DEVICES) {
      if (device === 'd1' && at >= diesAt && at < returnsAt) continue;
      const told = { roundTripMs: 20 + (at % 7), batteryPercent: 80, rssiDbm: -70 };
      const planned = { kind: 'beat', nextMs: 15 * MINUTE_MS - 500, intervalMs: 15 * MINUTE_MS } as const;
      const beat = { deviceClass, device, ...planned, ...told, deadAt: at + HOUR_MS };
      yield [...series.heard(beat, at).lines];
    }
  }
  yield series.record(transition(2, now, { from: 'alive', to: 'suspect', reason: 'late' }));
}
