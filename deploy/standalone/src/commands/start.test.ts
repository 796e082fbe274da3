import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createDevice } from '@slowbeat/device-sdk';
import { RunningCommand, runCommand } from '../test-support/command.ts';

const FREE_PORTS = ['--port', '0', '--http-port', '0'];
const FAST = [
  '--config',
  '/dev/null',
  '--set',
  'classes.pump.interval=1s',
  '--set',
  'classes.pump.reconnect=300ms',
];

interface View {
  readonly device: string;
  readonly state: string;
}

describe('a running monitor', () => {
  let data = '';
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'slowbeat-start-'));
  });
  afterEach(() => rm(data, { recursive: true }));

  const start = (...args: string[]): RunningCommand =>
    new RunningCommand(['start', ...FAST, ...FREE_PORTS, '--data', data, ...args]);

  it('says where it listens, hears a device, and tells its death from a crash', async () => {
    await using monitor = start();
    const [, url = ''] = await monitor.prints(/broker +(mqtt:\S+)/);
    const [, http = ''] = await monitor.prints(/(http:\/\/[\d.]+:\d+)/);
    const device = createDevice({ url, deviceId: 'p-1', class: 'pump', interval: '1s' });
    device.start();
    await until(http, ({ state }) => state === 'alive');
    await device.stop();
    await until(http, ({ state }) => state === 'asleep');
    assert.equal(await (await fetch(`${http}/readyz`)).text(), 'ok\n');
    assert.match(
      await (await fetch(`${http}/metrics`)).text(),
      /slowbeat_devices\{class="pump",state="asleep"\} 1/,
    );
    monitor.kill('SIGTERM');
    assert.equal((await monitor.result()).code, 0);
  });

  it('ends at once and clean by Ctrl-C, and the journal then answers for uptime', async () => {
    await using monitor = start();
    const [, url = ''] = await monitor.prints(/broker +(mqtt:\S+)/);
    const [, http = ''] = await monitor.prints(/(http:\/\/[\d.]+:\d+)/);
    const device = createDevice({ url, deviceId: 'p-1', class: 'pump', interval: '1s' });
    device.start();
    await until(http, ({ state }) => state === 'alive');
    // As npm and a terminal do together: twice, and still one wish.
    monitor.kill('SIGINT');
    monitor.kill('SIGINT');
    assert.equal((await monitor.result()).code, 130);
    await device.stop();
    const asked = await runCommand(['uptime', '--data', data, '--from', '-1m', '--json']);
    const { rows, total } = JSON.parse(asked.stdout);
    assert.deepEqual([asked.code, rows.length, rows[0].device, rows[0].state], [0, 1, 'p-1', 'unknown']);
    assert.equal(
      total.upMs + total.downMs + total.unknownMs,
      new Date(JSON.parse(asked.stdout).to).getTime() - JSON.parse(asked.stdout).from,
    );
    assert.ok(total.upMs > 0 && total.downMs === 0);
  });

  it('keeps the data directory to itself', async () => {
    await using first = start();
    await first.prints(/watching/);
    const second = await start().result();
    assert.equal(second.code, 1);
    assert.match(second.stderr, /journal\.lock is held by process \d+/);
  });

  it('watches a fleet at a broker elsewhere, and survives that broker', async () => {
    await using broker = new RunningCommand(['broker', '--config', '/dev/null', '--port', '0']);
    const [, url = ''] = await broker.prints(/(mqtt:\S+)/);
    await using monitor = new RunningCommand([
      'detector',
      ...FAST,
      '--http-port',
      '0',
      '--data',
      data,
      '--url',
      url,
    ]);
    const [, http = ''] = await monitor.prints(/(http:\/\/[\d.]+:\d+)/);
    const device = createDevice({
      url,
      deviceId: 'p-1',
      class: 'pump',
      interval: '1s',
      reconnect: { minMs: 10, maxMs: 50 },
    });
    device.start();
    await until(http, ({ state }) => state === 'alive');
    broker.kill('SIGKILL');
    await broker.result();
    await until(http, ({ state }) => state === 'unknown');
    assert.match(await (await fetch(`${http}/readyz`)).text(), /broker-link failed: mqtt:\/\/127\.0\.0\.1/);
    await using _again = new RunningCommand(['broker', '--config', '/dev/null', '--port', new URL(url).port]);
    await until(http, ({ state }) => state === 'alive');
    await device.stop();
    monitor.kill('SIGTERM');
    assert.equal((await monitor.result()).code, 0);
    assert.match(monitor.stderr, /cannot reach the broker/);
  });
});

/** Asks until the only device is as wanted. */
async function until(http: string, wanted: (view: View) => boolean): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    const page = (await (await fetch(`${http}/api/v1/devices`, { signal })).json()) as { devices: View[] };
    if (page.devices.some(wanted)) return;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
