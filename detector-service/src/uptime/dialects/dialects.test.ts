import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { is_valid_flux } from '@influxdata/flux-lsp-node';
import { needsDuckDb, startDuckDb } from '@slowbeat/test-servers/duckdb';
import { databaseSource, queryTexts } from '../database-source.ts';
import type { PointQuery, SlotQuery } from '../point-source.ts';
import { revisedTable, STATE_COLUMNS } from '../revised-rows.test.support.ts';
import type { Selection } from '../selection.ts';
import { uptime } from '../uptime.ts';
import { flux } from './flux.ts';
import { sql } from './sql.ts';

const START = Date.UTC(2026, 10, 20);
const window = { from: START, to: START + 3_600_000 };
const NASTY = [
  `'; DROP TABLE device_state; --`,
  'a"b',
  `\${1 + 1}`,
  'back\\slash',
  'new\nline',
  `\\" or true or "`,
];

function queries(select: Selection): (PointQuery | SlotQuery)[] {
  return [
    { select, window, want: 'ends' },
    { select, window, want: 'downs' },
    { select, window, want: 'all' },
    { select, window, measurement: 'device_1h' },
  ];
}

const selections: Selection[] = [
  {},
  { deviceClass: 'meter', site: 'north' },
  ...NASTY.map((name) => ({ device: name, deviceClass: name, site: name })),
];

test('every query is Flux, whatever names it holds', () => {
  assert.equal(is_valid_flux('from(bucket: "a" |> last()'), false, 'the parser sees a mistake');
  for (const query of selections.flatMap(queries)) {
    for (const script of queryTexts(flux('b"ucket'), query)) assert.ok(is_valid_flux(script), script);
  }
});

test('names in SQL neither break a query nor leave it', needsDuckDb, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-dialects-'));
  const line = `device_state,class=meter,device=it's state=1i,status="alive",prev="unknown",prev_ms=0i,up_total_ms=0i,down_total_ms=0i,unknown_total_ms=0i,seq=1i,phi=0,reason="heard" ${START}`;
  await using server = await startDuckDb(directory, {
    device_state: revisedTable('device_state', STATE_COLUMNS, [line]),
  });
  const source = databaseSource({ url: server.url, bucket: 'fleet' }, { dialect: sql });
  for (const name of NASTY) {
    const select = { device: name, deviceClass: name, site: name };
    assert.deepEqual((await uptime({ source, select, ...window })).rows, []);
  }
  const { rows } = await uptime({ source, select: { device: "it's" }, ...window });
  assert.equal(rows[0]?.upMs, 3_600_000);
  source.close();
  await rm(directory, { recursive: true });
});

test('SQL leaves columns away that were never written', needsDuckDb, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-dialects-'));
  const line = `device_state,class=meter,device=d1 state=1i,status="alive",prev="unknown",prev_ms=0i,up_total_ms=0i,down_total_ms=0i,unknown_total_ms=0i,seq=1i,phi=0,reason="heard" ${START}`;
  const { site, held_ms, rev, ...written } = STATE_COLUMNS;
  assert.ok(site && held_ms && rev);
  await using server = await startDuckDb(directory, {
    device_state: revisedTable('device_state', written, [line]),
  });
  const source = databaseSource({ url: server.url, bucket: 'fleet' }, { dialect: sql });
  assert.equal((await uptime({ source, ...window })).rows[0]?.upMs, 3_600_000);
  assert.deepEqual((await uptime({ source, select: { site: 'north' }, ...window })).rows, []);
  assert.deepEqual((await uptime({ source, from: 0, to: 3_600_000, series: 'rollups' })).rows, []);
  source.close();
  await rm(directory, { recursive: true });
});

/** Answers each request with the next of some bodies, as `/api/v2/query` and its annotated CSV are documented. */
async function answering(bodies: readonly string[], asked: string[]) {
  const left = [...bodies];
  const server = createServer(async (request, response) => {
    asked.push(`${request.url} ${await text(request)}`);
    response.end(left.shift() ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const HEADER =
  ',result,table,_time,class,device,site,down_total_ms,held_ms,phi,prev,prev_ms,reason,seq,state,status,unknown_total_ms,up_total_ms';

test("Flux's tables of CSV become points, and its error at the end of an answer an error", async () => {
  const asked: string[] = [];
  const base = `${HEADER}\r\n,_result,0,2026-11-19T23:59:00Z,meter,"d,1",,0,,0.5,unknown,0,heard,1,1,alive,0,0\r\n\r\n`;
  const failed = `error,reference\r\nquery terminated: out of memory,897\r\n\r\n`;
  await using server = await answering([base, '\r\n', '\r\n', base, failed], asked);
  const target = { url: server.url, bucket: 'fleet', org: 'works', token: 't' };
  const source = databaseSource(target, { dialect: flux('fleet') });
  const { rows } = await uptime({ source, ...window });
  assert.deepEqual(
    rows.map(({ device, upMs, state }) => [device, upMs, state]),
    [['d,1', 3_600_000, 'alive']],
  );
  assert.match(asked[0] ?? '', /^\/api\/v2\/query\?org=works .*from\(bucket: \\"fleet\\"\)/);
  await assert.rejects(uptime({ source, ...window }), { code: 'influx-query', message: /out of memory/ });
  source.close();
});
