/** The questions about the past, asked of a journal whose answers can be added up by hand. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ask, needsInfluxd, startInfluxd } from '@slowbeat/test-servers';
import { runCommand } from '../test-support/command.ts';
import { recordTwoMeters, START, WINDOW } from '../test-support/two-meters.ts';

const HOUR_MS = 3_600_000;

let data = '';

describe('questions about the past', () => {
  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'slowbeat-questions-'));
    await recordTwoMeters(data);
  });
  after(() => rm(data, { recursive: true }));
  const run = (...args: string[]) => runCommand([...args, '--data', data]);

  it('have exact answers: a day of 25 hours with three down and one unknown', async () => {
    const { code, stdout, stderr } = await run(
      'uptime',
      ...WINDOW,
      '--json',
      '--device',
      'd1',
      '--class',
      'meter',
    );
    assert.deepEqual([code, stderr], [0, '']);
    const { rows } = JSON.parse(stdout);
    const { upMs, downMs, unknownMs, state } = rows[0];
    assert.deepEqual([upMs / HOUR_MS, downMs / HOUR_MS, unknownMs / HOUR_MS, state], [21, 3, 1, 'alive']);
  });

  it('are answered by hour as clocks count them, the one that comes twice too', async () => {
    const { stdout } = await run('uptime', ...WINDOW, '--by', 'hour', '--csv', '--per', 'class');
    const lines = stdout.trim().split('\r\n');
    assert.equal(lines.length, 1 + 25);
    assert.equal(lines.filter((line) => line.startsWith('meter,,2026-10-25T02:00:00+0')).length, 2);
    assert.match(
      lines[1] ?? '',
      /^meter,,2026-10-25T00:00:00\+02:00,2026-10-25T01:00:00\+02:00,7200000,0,0,/,
    );
  });

  it('are drawn as strips', async () => {
    const { stdout } = await run('uptime', ...WINDOW, '--plot');
    assert.match(stdout, /^meter +d1 +87\.500 % +─+[▄█]+─+·+─+$/m);
    const file = join(data, 'strips.svg');
    const drawn = await run('uptime', ...WINDOW, '--plot', file);
    assert.deepEqual([drawn.code, drawn.stdout], [0, '']);
    assert.match(await readFile(file, 'utf8'), /^<svg [\s\S]*meter\/d1[\s\S]*<\/svg>\n$/);
  });

  it('are the same from rollups, where the window fits them', async () => {
    const exact = JSON.parse((await run('uptime', ...WINDOW, '--json')).stdout);
    const sums = JSON.parse((await run('uptime', ...WINDOW, '--json', '--rollups')).stdout);
    // A verdict at the very beginning belongs to the first slot, but not to the window.
    assert.deepEqual({ ...sums.total, transitions: 4 }, exact.total);
    const odd = await run(
      'uptime',
      '--from',
      '2026-10-25T00:10:00Z',
      '--to',
      '2026-10-25T02:00:00Z',
      '--rollups',
    );
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /no whole hour/);
  });

  it('name each downtime with its cause', async () => {
    const { stdout } = await run('downtimes', ...WINDOW, '--json');
    const [down, ...others] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...down, startAt: (down.startAt - START) / HOUR_MS, endAt: (down.endAt - START) / HOUR_MS },
      {
        ...{ deviceClass: 'meter', device: 'd1', site: 'north', startAt: 5, endAt: 8, downMs: 3 * HOUR_MS },
        ...{ cause: 'silence', endedBy: 'heard' },
      },
    );
    const none = await run('downtimes', ...WINDOW, '--device', 'd2');
    assert.deepEqual([none.code, none.stdout], [0, '']);
    assert.match(none.stderr, /nobody was down/);
  });

  it('tell latency, and how many heartbeats came', async () => {
    const { stdout } = await run('latency', ...WINDOW, '--json', '--device', 'd2');
    const [{ count, minMs, maxMs, meanMs, kind }] = JSON.parse(stdout).rows;
    assert.deepEqual([count, minMs, maxMs, meanMs, kind], [25, 40, 64, 52, 'round-trip']);
    assert.match((await run('latency', ...WINDOW, '--plot')).stdout, /█ is 64 ms/);
  });

  it('become a report', async () => {
    const report = ['report', ...WINDOW, '--target', '99'];
    const markdown = await run(...report);
    assert.equal(markdown.code, 0, markdown.stderr);
    assert.match(markdown.stdout, /\| meter \| 2 \| 93\.\d+ % \| missed \| 3h \| 1 \|/);
    const month = await run('report', '--month', '2026-10', '--zone', 'Europe/Berlin');
    assert.match(month.stdout, /^2026-10-01 00:00 to 2026-11-01 00:00, Europe\/Berlin$/m);
    const html = await run(...report, '--format', 'html');
    assert.match(html.stdout, /<h2>meter<\/h2>[\s\S]*<svg[\s\S]*Latency[\s\S]*<\/html>\n$/);
  });

  it('about latency are answered for whole hours, and say so', async () => {
    const { stdout } = await run(
      'latency',
      '--from',
      '2026-10-24T23:10:00Z',
      '--to',
      '2026-10-25T00:20:00Z',
      '--json',
    );
    const { from, to } = JSON.parse(stdout);
    assert.deepEqual([from, to], [Date.UTC(2026, 9, 24, 23), Date.UTC(2026, 9, 25, 1)]);
  });

  it('print the query instead, when asked', async () => {
    const { code, stdout } = await runCommand([
      'downtimes',
      ...WINDOW,
      '--print-query',
      '--dialect',
      'sql',
      '--site',
      "o'hare",
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /site = 'o''hare' AND time > '2026-10-23T21:00:00\.000Z'/);
  });

  it('say which time zone is none', async () => {
    const { code, stderr } = await run('uptime', '--zone', 'Mars/Olympus');
    assert.deepEqual(
      [code, stderr],
      [2, 'slowbeat: --zone Mars/Olympus: no time zone; write UTC, or one such as Europe/Berlin\n'],
    );
  });

  it('pass over damaged lines and say so', async () => {
    const journal = join(data, 'journal');
    const [segment = ''] = (await readdir(journal)).filter((name) => name.endsWith('.lp')).sort();
    const path = join(journal, segment);
    const whole = await readFile(path);
    await appendFile(path, `device_state,class=meter,device=d1,site=north sta\u0000te=1i ${START + 1}\n`);
    const { code, stdout, stderr } = await run('uptime', ...WINDOW, '--json');
    await writeFile(path, whole);
    assert.equal(code, 0);
    assert.match(stderr, /^slowbeat: 1 damaged lines were passed over/);
    assert.equal(JSON.parse(stdout).rows[0].downMs, 3 * HOUR_MS);
  });
});

describe('doctor', () => {
  it('finds nothing wrong with a journal by itself, and says what to do about a server that is away', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slowbeat-doctor-'));
    const missing = await runCommand(['doctor', '--data', directory]);
    assert.deepEqual(
      [missing.code, missing.stdout.split('\n')[1]?.trim()],
      [1, '→ name the data directory of a monitor with --data'],
    );
    const env = { INFLUX_URL: 'http://127.0.0.1:1', INFLUX_DATABASE: 'x' };
    const away = await runCommand(['doctor', '--data', directory], { env });
    assert.equal(away.code, 3);
    assert.match(away.stdout, /wrong {2}http:\/\/127\.0\.0\.1:1 cannot be reached.*\n +→ start InfluxDB/);
    await rm(directory, { recursive: true });
  });

  it('knows version, database, clock and limits of a server', needsInfluxd, async () => {
    await using server = await startInfluxd();
    const env = { INFLUX_URL: server.url, INFLUX_DATABASE: 'fleet' };
    const none = await runCommand(['doctor', '--data', tmpdir(), '--json'], { env });
    assert.match(none.stdout, /"remedy": "CREATE DATABASE \\"fleet\\""/);
    await ask(server.url, 'CREATE DATABASE fleet');
    const lines = ['a', 'b', 'c']
      .map((device) => `device_state,class=m,device=${device} state=1i 1`)
      .join('\n');
    await fetch(`${server.url}/write?db=fleet&precision=ms`, { method: 'POST', body: lines });
    const found = JSON.parse((await runCommand(['doctor', '--data', tmpdir(), '--json'], { env })).stdout);
    assert.match(found.version, /^1\./);
    const texts = found.findings
      .map(({ isOk, text }: { isOk: boolean; text: string }) => `${isOk} ${text}`)
      .join('\n');
    assert.match(texts, /true database "fleet" at .* is there/);
    assert.match(texts, /true its clock agrees with ours/);
    assert.match(texts, /true 3 devices of 100,000 values of a tag \(max-values-per-tag\)/);
    assert.match(texts, /true 3 series of 1,000,000 series in a database/);
  });
});
