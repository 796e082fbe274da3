import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decode, type MessageByKind, type TopicKind } from './protocol/index.ts';
import { AedesBroker } from './test-support/aedes-broker.ts';
import { Observer } from './test-support/observer.ts';
import { within } from './test-support/waiting.ts';

class Example implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(name: string, ...args: string[]) {
    const file = new URL(`./examples/${name}.js`, import.meta.url).pathname;
    this.#child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#exited = once(this.#child, 'exit');
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    await within(this.#exited, `the example ends after ${signal}`);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL');
  }
}

async function message<K extends TopicKind>(
  observer: Observer,
  topic: string,
  kind: K,
): Promise<MessageByKind[K]> {
  const decoded = decode(kind, (await observer.on(`${topic}/${kind}`)).payload);
  assert.ok(decoded.ok);
  return decoded.message;
}

describe('the examples', () => {
  it('an always-on sensor beats, and says goodbye on SIGTERM', async () => {
    await using broker = await AedesBroker.start();
    await using observer = await Observer.at(broker.url);
    await using sensor = new Example('always-on-sensor', broker.url, '200ms');
    const birth = await message(observer, 'hb/v1/sensor/sensor-1', 'birth');
    assert.equal(birth.site, 'workshop');
    assert.equal((await message(observer, 'hb/v1/sensor/sensor-1', 'beat')).rssiDbm, -61);
    assert.equal(await sensor.end('SIGTERM'), 0);
    assert.equal((await message(observer, 'hb/v1/sensor/sensor-1', 'bye')).maintenanceMs, 3_600_000);
  });

  it('an always-on sensor that is killed leaves the will of its session', async () => {
    await using broker = await AedesBroker.start();
    await using observer = await Observer.at(broker.url);
    await using sensor = new Example('always-on-sensor', broker.url, '200ms');
    const birth = await message(observer, 'hb/v1/sensor/sensor-1', 'birth');
    await sensor.end('SIGKILL');
    const will = await message(observer, 'hb/v1/sensor/sensor-1', 'will');
    assert.deepEqual(will, { generation: birth.generation, session: birth.session });
  });

  it('a sleepy meter counts its boots, beats, and retires on SIGTERM', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'slowbeat-meter-'));
    const boots = join(directory, 'boots');
    try {
      for (const boot of [1, 2]) {
        await using broker = await AedesBroker.start();
        await using observer = await Observer.at(broker.url);
        await using meter = new Example('sleepy-meter', broker.url, '200ms', boots);
        const beat = await message(observer, 'hb/v1/meter/meter-1', 'beat');
        assert.equal(beat.generation, boot);
        assert.equal(beat.batteryPercent, 87);
        assert.equal(await meter.end('SIGTERM'), 0);
        assert.equal((await message(observer, 'hb/v1/meter/meter-1', 'bye')).retire, true);
        assert.equal(
          observer.seen.all.some(({ topic }) => topic.endsWith('/will')),
          false,
        );
      }
      assert.equal(readFileSync(boots, 'utf8'), '2\n');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
