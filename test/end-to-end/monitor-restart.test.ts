/** A monitor that ends, as asked or by a kill: verdicts and deadlines survive, and no point changes. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, until } from '@slowbeat/test-servers';
import { type Monitor, scratch, startMonitor } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';

interface View {
  readonly device: string;
  readonly state: string;
  readonly since: number;
  readonly lastSeenAt: number;
  readonly deadAt: number;
}

async function view(monitor: Monitor, device: string): Promise<View> {
  return (await (await fetch(`${monitor.http}/api/v1/devices/meter/${device}`)).json()) as View;
}

/** Every `device_state` line of the journal by series and instant; fails where two differ in content. */
async function points(data: string): Promise<Map<string, string>> {
  const directory = join(data, 'journal');
  const found = new Map<string, string>();
  for (const name of (await readdir(directory)).filter((file) => file.endsWith('.lp')).sort()) {
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      if (!line.startsWith('device_state,')) continue;
      const series = line.slice(0, line.indexOf(' '));
      const key = `${series} ${line.slice(line.lastIndexOf(' ') + 1)}`;
      const before = found.get(key);
      assert.ok(before === undefined || before === line || /,rev=\d+i /.test(line), `${before}\n${line}`);
      found.set(key, line);
    }
  }
  return found;
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`verdicts and deadlines survive ${signal}, and nothing is written twice with other content`, async () => {
    await using data = await scratch();
    const settings = {
      'classes.meter.interval': '10m',
      'classes.meter.algorithm': 'missed',
      'classes.meter.reconnect': '1s',
      'broker.tcp.port': await freePort(),
      dataDirectory: data.path,
      snapshotInterval: '1s',
    };
    let monitor = await startMonitor(settings);
    try {
      const healthy = await RawDevice.connect(monitor.url, 'meter', 'healthy');
      await healthy.say('beat', { generation: 1, session: 1, seq: 0, nextMs: 600_000 });
      const doomed = await RawDevice.connect(monitor.url, 'meter', 'doomed', { generation: 1, session: 1 });
      await doomed.say('beat', { generation: 1, session: 1, seq: 0, nextMs: 600_000 });
      doomed.cut();
      await until(async () => (await view(monitor, 'doomed')).state === 'dead', 'one dead');
      const dead = await view(monitor, 'doomed');
      const alive = await view(monitor, 'healthy');
      // The beat must have reached a snapshot; a verdict need not.
      await until(async () => (await readdir(data.path)).includes('detector.snapshot'), 'a snapshot');
      const written = await points(data.path);

      await monitor.process.end(signal);
      healthy.cut();
      monitor = await startMonitor(settings);

      const deadAfter = await view(monitor, 'doomed');
      assert.equal(deadAfter.state, 'dead');
      assert.equal(deadAfter.since, dead.since);
      const aliveAfter = await view(monitor, 'healthy');
      assert.equal(aliveAfter.lastSeenAt, alive.lastSeenAt);
      assert.equal(aliveAfter.deadAt, alive.deadAt, 'a device that was not due keeps its deadline');
      assert.equal(aliveAfter.state, 'alive', 'it was not due while nobody listened');

      await using returned = await RawDevice.connect(monitor.url, 'meter', 'doomed');
      await returned.say('beat', { generation: 2, session: 1, seq: 0, uptimeS: 0 });
      await monitor.process.end('SIGTERM');
      const writtenAfter = await points(data.path);
      for (const [key, line] of written) assert.equal(writtenAfter.get(key), line, 'what was written stays');
      const history = [...writtenAfter.values()].filter((line) => line.includes('device=doomed'));
      assert.deepEqual(
        history.map((line) => /status="(\w+)"/.exec(line)?.[1]),
        ['alive', 'suspect', 'dead', 'alive', 'unknown'],
      );
    } finally {
      await monitor[Symbol.asyncDispose]();
    }
  });
}
