/** What questions say that cannot be answered: whom or what they miss, and what to do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { runCommand } from '../test-support/command.ts';
import { recordTwoMeters, WINDOW } from '../test-support/two-meters.ts';

describe('questions that cannot be answered', () => {
  let data = '';
  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'slowbeat-unanswered-'));
    await recordTwoMeters(data);
  });
  after(() => rm(data, { recursive: true }));
  const run = (...args: string[]) => runCommand([...args, '--data', data]);
  const NOBODY = /^slowbeat: no device that fits --device d3 --class meter was known there between 2026-/;

  for (const command of ['uptime', 'downtimes', 'report']) {
    it(`${command} says whom it does not know`, async () => {
      const { code, stderr } = await run(command, ...WINDOW, '--device', 'd3', '--class', 'meter');
      assert.equal(code, 1);
      assert.match(stderr, NOBODY);
    });
  }

  it('downtimes tells a device that was never down from one that is unknown', async () => {
    const { code, stderr } = await run('downtimes', ...WINDOW, '--device', 'd2');
    assert.equal(code, 0);
    assert.match(stderr, /^slowbeat: nobody was down between/);
  });

  it('name the flag when a file cannot be written', async () => {
    for (const [command, flag] of [
      ['uptime', '--plot'],
      ['latency', '--plot'],
      ['report', '--output'],
    ] as const) {
      const { code, stderr } = await run(command, ...WINDOW, flag, '/nowhere/at.all');
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^slowbeat: ${flag} /nowhere/at.all: cannot be written: ENOENT`));
    }
  });

  it(
    'say what to do about a database that is away, refuses, or speaks another language',
    needsInfluxd,
    async () => {
      await using server = await startInfluxd({ auth: true });
      const create = `CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES`;
      await ask(server.url, create);
      const login = { INFLUX_USERNAME: 'root', INFLUX_PASSWORD: 'secret' };
      for (const [env, flags, code, said] of [
        [{ INFLUX_URL: 'http://127.0.0.1:1' }, [], 3, /ECONNREFUSED.*; start it, or correct INFLUX_URL/],
        [{ INFLUX_PASSWORD: 'wrong' }, [], 4, /\(401\).*; check INFLUX_USERNAME and INFLUX_PASSWORD/],
        [{}, [], 4, /database not found: fleet; correct INFLUX_DATABASE/],
        [{}, ['--dialect', 'sql'], 4, /\(404\).*; it may not speak sql: without --dialect/],
      ] as const) {
        const all = { INFLUX_URL: server.url, INFLUX_DATABASE: 'fleet', ...login, ...env };
        const answer = await runCommand(['uptime', '--from', '2026-10-24', '--to', '2026-10-25', ...flags], {
          env: all,
        });
        assert.equal(answer.code, code, answer.stderr);
        assert.match(answer.stderr, said);
      }
    },
  );
});

it('what was said last does not hold beyond what a database was told', needsInfluxd, async () => {
  const data = await mkdtemp(join(tmpdir(), 'slowbeat-untold-'));
  await recordTwoMeters(data);
  await using server = await startInfluxd();
  const env = { INFLUX_URL: server.url, INFLUX_DATABASE: 'fleet' };
  const posted = await runCommand(['journal', 'post', '--data', data], { env });
  assert.equal(posted.code, 0, posted.stderr);
  const window = ['--from', '2026-10-25T20:00:00Z', '--to', '2026-10-28', '--json'];
  const { code, stdout, stderr } = await runCommand(['uptime', ...window], { env });
  assert.equal(code, 0);
  // The last minute that was told of began at eleven.
  assert.match(stderr, /^slowbeat: no monitor has told the database anything since 2026-10-25T23:01:00.000Z/);
  const { to, total } = JSON.parse(stdout);
  assert.deepEqual([to, total.upMs], [Date.UTC(2026, 9, 25, 23, 1), 2 * (3 * 60 + 1) * 60_000]);
  const later = await runCommand(['uptime', '--from', '2026-10-26T06:00:00Z', '--to', '2026-10-28'], { env });
  assert.equal(later.code, 1);
  await rm(data, { recursive: true });
});

it('doctor knows that InfluxDB 3 makes a database that is missing', async () => {
  const server = createServer((request, response) => {
    response.setHeader('x-influxdb-version', '3.4.0');
    response.setHeader('content-type', 'application/json');
    response.end(
      request.url === '/ping' ? '{}' : '[{"iox::database":"_internal"},{"iox::database":"fleet"}]',
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [bucket, said] of [
    ['fleet', 'is there'],
    ['other', 'is made when it is first written to'],
  ] as const) {
    const env = { INFLUX_URL: url, INFLUX_BUCKET: bucket, INFLUX_TOKEN: 't' };
    const { stdout } = await runCommand(['doctor', '--data', tmpdir()], { env });
    assert.match(stdout, new RegExp(`ok +bucket "${bucket}".* ${said}`));
  }
  server.closeAllConnections();
  server.close();
});
