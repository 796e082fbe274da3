/** README.md is held to the code: its tables are complete, its example compiles to a device that beats. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OPTION_NAMES, settingsFrom } from './option-check.ts';
import { encode } from './protocol/index.ts';
import { AedesBroker } from './test-support/aedes-broker.ts';
import { MemoryNetwork } from './test-support/memory-network.ts';
import { Observer } from './test-support/observer.ts';
import { VirtualClock } from './test-support/virtual-clock.ts';
import { EVENT_NAMES, within } from './test-support/waiting.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Rows of the table under this header, cell by cell. */
function table(header: string): string[][] {
  const lines = README.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|') && line.split('|')[1]?.trim() === header);
  assert.ok(start >= 0, `a table of ${header}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codes = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

describe('README.md', () => {
  it('describes every option, and no other', () => {
    const described = table('Option').flatMap(([option]) => codes(option));
    assert.deepEqual(described.sort(), [...OPTION_NAMES].sort());
  });

  it('tells the defaults as they are', () => {
    const network = new MemoryNetwork(new VirtualClock());
    const settings = settingsFrom({ deviceId: 'd', class: 'c', interval: '1h', transport: network });
    const told = new Map(table('Option').map(([option, value]) => [codes(option)[0], codes(value)[0]]));
    assert.equal(told.get('jitter'), String(settings.jitter));
    assert.equal(told.get('root'), settings.root);
    assert.equal(told.get('keepalive'), String(settings.keepaliveS));
    assert.equal(told.get('connectTimeout'), `${settings.connectTimeoutMs / 1000}s`);
    assert.equal(told.get('ackTimeout'), `${settings.ackTimeoutMs / 1000}s`);
    assert.equal(told.get('qos'), String(settings.qos));
    assert.equal(told.get('encoding'), settings.encoding);
    assert.equal(told.get('connection'), settings.perBeat ? 'per-beat' : 'persistent');
    const { reconnectMinMs, reconnectMaxMs } = settings;
    assert.equal(told.get('reconnect'), `{ minMs: ${reconnectMinMs}, maxMs: ${reconnectMaxMs} }`);
  });

  it('describes every event', () => {
    const described = table('Event').flatMap(([event]) => codes(event));
    assert.deepEqual(described.sort(), [...EVENT_NAMES].sort());
  });

  it('tells the size of a typical beat as it is', () => {
    const beat = { generation: 41, session: 7, uptimeS: 864_003, seq: 960, nextMs: 898_412, roundTripMs: 84 };
    const sizes = `${encode('beat', beat).length} bytes of JSON or ${encode('beat', beat, 'cbor').length} of CBOR`;
    assert.ok(README.includes(sizes), sizes);
  });

  it('gives an example that runs', async () => {
    await using broker = await AedesBroker.start();
    await using observer = await Observer.at(broker.url);
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
    const index = new URL('./index.js', import.meta.url).href;
    const directory = mkdtempSync(join(tmpdir(), 'slowbeat-readme-'));
    try {
      const program = example
        .replace('@slowbeat/device-sdk', index)
        .replace('mqtt://127.0.0.1:1883', broker.url);
      writeFileSync(join(directory, 'example.mjs'), program);
      const child = spawn(process.execPath, ['example.mjs'], {
        cwd: directory,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const exited = once(child, 'exit');
      try {
        await observer.on('hb/v1/meter/meter-1/beat');
      } finally {
        child.kill('SIGTERM');
        await within(exited, 'the example ends');
      }
      await observer.on('hb/v1/meter/meter-1/bye');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
