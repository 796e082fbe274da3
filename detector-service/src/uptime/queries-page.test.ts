/** QUERIES.md gives what it says: its queries are run on its own points. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { is_valid_flux } from '@influxdata/flux-lsp-node';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { needsDuckDb, startDuckDb } from '@slowbeat/test-servers/duckdb';
import { revisedTable, SLOT_COLUMNS, STATE_COLUMNS } from './revised-rows.test.support.ts';

const page = readFileSync(new URL('../../QUERIES.md', import.meta.url), 'utf8');

/** Fenced blocks in order; a `result` belongs to the query before it. */
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language: language as string,
  text: (text as string).trim(),
}));
const points = blocks.find(({ language }) => language === 'lines')?.text ?? '';

function queriesWithResults(language: string): { query: string; expected: string[] }[] {
  return blocks.flatMap((block, index) => {
    if (block.language !== language) return [];
    const next = blocks[index + 1];
    assert.equal(next?.language, 'result', `says what it gives: ${block.text}`);
    return [{ query: block.text, expected: (next?.text ?? '').split('\n') }];
  });
}

test('its InfluxQL, on InfluxDB 1.x', needsInfluxd, async () => {
  await using server = await startInfluxd();
  await ask(server.url, 'CREATE DATABASE slowbeat');
  const written = await fetch(`${server.url}/write?db=slowbeat&precision=ms`, {
    method: 'POST',
    body: points,
  });
  assert.equal(written.status, 204);
  const queries = queriesWithResults('influxql');
  assert.ok(queries.length >= 8);
  for (const { query, expected } of queries) {
    const rows = await ask(server.url, query, { db: 'slowbeat' });
    const lines = rows.map(([at, ...values]) => [new Date(at as number).toISOString(), ...values].join(' '));
    assert.deepEqual(lines, expected, query);
  }
});

test('its SQL, on DuckDB', needsDuckDb, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-queries-'));
  const lines = points.split('\n');
  await using server = await startDuckDb(directory, {
    device_state: revisedTable('device_state', STATE_COLUMNS, lines),
    device_1d: revisedTable('device_1d', SLOT_COLUMNS, lines),
  });
  for (const { query, expected } of queriesWithResults('sql')) {
    const body = JSON.stringify({ db: 'slowbeat', q: query, format: 'jsonl' });
    const response = await fetch(`${server.url}/api/v3/query_sql`, { method: 'POST', body });
    const lines = (await response.text()).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => Object.values(JSON.parse(line)).join(' ')),
      expected,
      query,
    );
  }
  await rm(directory, { recursive: true });
});

test('its Flux, by the parser', () => {
  const scripts = blocks.filter(({ language }) => language === 'flux');
  assert.ok(scripts.length >= 2);
  for (const { text } of scripts) assert.ok(is_valid_flux(text), text);
});
