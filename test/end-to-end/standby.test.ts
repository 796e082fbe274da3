/**
 * Two brokers on one Redis server, of which one serves: what becomes of a fleet and its detector when that one is killed,
 * stopped or ended.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDevice } from '@slowbeat/device-sdk';
import { freePort, needsRedis, RedisServer, until } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { type Running, scratch, slowbeat, startMonitor } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';
import { Verdicts } from '../support/verdicts.ts';

const SURVIVORS = 4;
const LISTENS = /The broker listens at/;
const WAITS = /The broker waits; standby: process \d+ on \S+ has the lease of "slowbeat"/;

interface StandbyBroker {
  readonly port: number;
  readonly url: string;
  readonly process: Running;
}

const LIMITS = {
  orphanGraceS: 2,
  messagesPerSecondMax: 100_000,
  messageBurstMax: 100_000,
  queuedMessagesMax: 60_000,
};

async function broker(redis: RedisServer, port?: number): Promise<StandbyBroker> {
  const at = port ?? (await freePort());
  const settings = {
    'redis.url': redis.url,
    'redis.standby': true,
    ...Object.fromEntries(Object.entries(LIMITS).map(([name, value]) => [`limits.${name}`, value])),
  };
  const process = slowbeat([
    ...['broker', '--config', '/dev/null', '--port', String(at), '--http-port', '0'],
    ...Object.entries(settings).flatMap(([key, value]) => ['--set', `broker.${key}=${value}`]),
  ]);
  return { port: at, url: `mqtt://127.0.0.1:${at}`, process };
}

/** What `/readyz` of a broker answers. */
async function readiness({ process }: StandbyBroker): Promise<{ status: number; text: string }> {
  const [, url] = await process.prints(/HTTP at (http:\/\/\S+)/);
  const response = await fetch(`${url}?verbose`);
  return { status: response.status, text: await response.text() };
}

/** Statuses of a device in the journal's points, in their order. */
async function journal(dataDirectory: string, device: string): Promise<string[]> {
  const directory = join(dataDirectory, 'journal');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.lp')).sort();
  const segments = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return segments
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('device_state,') && line.includes(`,device=${device} `))
    .map((line) => /status="(\w+)"/.exec(line)?.[1] ?? line);
}

const COLLECTOR = { clientId: 'collector', clean: false, reconnectPeriod: 0 };

/** Slow enough for all of it to find room in a session. */
const PACE_MS = 2;

/** A device that says one thing after the other, each until a broker has acknowledged it, wherever one is to be found. */
class Talker {
  readonly acknowledged: string[] = [];
  readonly #urls: readonly string[];
  readonly #name: string;
  readonly #talking: Promise<void>;
  #isOver = false;

  constructor(urls: readonly string[], name: string) {
    this.#urls = urls;
    this.#name = name;
    this.#talking = this.#talk();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
  }

  async #talk(): Promise<void> {
    for (let attempt = 0; !this.#isOver; attempt++) {
      const url = this.#urls[attempt % this.#urls.length] as string;
      await this.#talkTo(url).catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
    }
  }

  async #talkTo(url: string): Promise<void> {
    const client = await mqtt.connectAsync(url, {
      ...{ clientId: this.#name, reconnectPeriod: 0, connectTimeout: 1_000, keepalive: 2 },
    });
    const ended = new Promise<never>((_, reject) => client.once('close', () => reject(new Error('ended'))));
    ended.catch(() => {});
    client.on('error', () => {});
    while (!this.#isOver) {
      const text = `${this.#name} ${this.acknowledged.length}`;
      await Promise.race([client.publishAsync(`hb/v1/meter/${this.#name}/beat`, text, { qos: 1 }), ended]);
      this.acknowledged.push(text);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
    await client.endAsync();
  }
}

describe('a fleet, a detector and two brokers', needsRedis, () => {
  it('one of which is killed with a device: all are at the other, and that device alone is suspect, then dead', async () => {
    await using redis = await RedisServer.start();
    await using data = await scratch();
    const first = await broker(redis);
    await using _first = first.process;
    await first.process.prints(LISTENS);
    const second = await broker(redis);
    await using _second = second.process;
    await second.process.prints(WAITS);
    const { status, text } = await readiness(second);
    assert.equal(status, 503);
    assert.match(text, /standby: process \d+ on \S+ has the lease/);
    assert.equal((await readiness(first)).status, 200);

    const url = `${first.url},${second.url}`;
    await using monitor = await startMonitor(
      { 'classes.meter.interval': '1d', 'classes.meter.reconnect': '2s', dataDirectory: data.path },
      { command: ['detector', '--url', url] },
    );
    const devices = Array.from({ length: SURVIVORS }, (_, n) =>
      createDevice({
        ...{ url, deviceId: `m${n}`, class: 'meter', interval: '1d', keepalive: 1 },
        reconnect: { minMs: '100ms', maxMs: '500ms' },
      }),
    );
    const names = devices.map(({ id }) => id);
    try {
      for (const device of devices) device.start();
      const session = { generation: 1, session: 1 };
      const doomed = await RawDevice.connect(first.url, 'meter', 'doomed', session, { keepalive: 1 });
      await doomed.say('beat', { ...session, seq: 0, nextMs: 86_400_000 });
      await until(
        async () => (await monitor.metric('slowbeat_devices', 'state="alive"')) === SURVIVORS + 1,
        'all alive',
      );
      await first.process.end('SIGKILL');
      await second.process.prints(LISTENS);
      assert.equal((await readiness(second)).status, 200);
      await using verdicts = await Verdicts.listen(second.url);
      assert.equal((await verdicts.next('doomed', 'suspect')).reason, 'will');
      assert.equal((await verdicts.next('doomed', 'dead')).reason, 'reconnect-timeout');
      await until(() => names.every((name) => verdicts.states(name).at(-1) === 'alive'), 'the others alive');
      assert.deepEqual(
        devices.map(({ connected }) => connected),
        names.map(() => true),
      );
      assert.equal(await monitor.metric('slowbeat_messages_total', 'kind="will"'), 1);
      assert.equal(await monitor.metric('slowbeat_transitions_total', 'to="dead"'), 1);
      assert.deepEqual((await journal(data.path, 'doomed')).slice(-2), ['suspect', 'dead']);
      for (const name of names) assert.ok(!(await journal(data.path, name)).includes('dead'));
    } finally {
      await Promise.all(devices.map((device) => device.stop({ timeout: 1 })));
    }
  });

  it('that end one after the other, killed, stopped and as planned: whatever was acknowledged is handed over', async () => {
    await using redis = await RedisServer.start();
    let [serving, waiting] = [await broker(redis), await broker(redis)];
    const urls = [serving.url, waiting.url];
    const talkers: Talker[] = [];
    const said = () => talkers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    const ends = {
      killed: async ({ process }: StandbyBroker) => void (await process.end('SIGKILL')),
      stopped: async ({ process }: StandbyBroker) => process.signal('SIGSTOP'),
      'ended as planned': async ({ process }: StandbyBroker) => void (await process.end('SIGTERM')),
    };
    try {
      await Promise.race([serving.process.prints(LISTENS), waiting.process.prints(LISTENS)]);
      if (waiting.process.stdout.includes('listens')) [serving, waiting] = [waiting, serving];
      await waiting.process.prints(WAITS);
      const collector = await mqtt.connectAsync(serving.url, COLLECTOR);
      await collector.subscribeAsync('hb/v1/+/+/beat', { qos: 1 });
      await collector.endAsync();
      talkers.push(...['t1', 't2', 't3', 't4'].map((name) => new Talker(urls, name)));
      for (const [how, end] of Object.entries(ends)) {
        const before = said();
        await until(() => said() > before + 100, 'something to be said');
        const over = serving;
        await end(over);
        await waiting.process.prints(LISTENS);
        if (how === 'stopped') {
          over.process.signal('SIGCONT');
          assert.equal(await over.process.closed(), 1);
          const why = /another broker has taken over "slowbeat" at redis:.*start it again/;
          assert.match(over.process.stderr, why);
        }
        serving = waiting;
        waiting = await broker(redis, over.port);
        await waiting.process.prints(WAITS);
      }
      const before = said();
      await until(() => said() > before + 100, 'something to be said at the end');
      await Promise.all(talkers.map((talker) => talker.end()));
      const heard = new Set<string>();
      const again = mqtt.connect(serving.url, COLLECTOR);
      again.on('message', (_topic, payload) => heard.add(String(payload)));
      const lost = () =>
        talkers.flatMap(({ acknowledged }) => acknowledged).filter((text) => !heard.has(text));
      await until(() => lost().length === 0, 'all of it to be heard').catch(() =>
        assert.deepEqual(lost(), []),
      );
      await again.endAsync(true);
    } finally {
      await Promise.all(talkers.map((talker) => talker.end()));
      await Promise.all([serving, waiting].map(({ process }) => process[Symbol.asyncDispose]()));
    }
  });

  it('one of which waits: SIGTERM ends it well', async () => {
    await using redis = await RedisServer.start();
    const first = await broker(redis);
    await using _first = first.process;
    await first.process.prints(LISTENS);
    const second = await broker(redis);
    await using _second = second.process;
    await second.process.prints(WAITS);
    assert.equal(await second.process.end('SIGTERM'), 0);
  });

  it('a monitor whose broker was succeeded ends, and says why', async () => {
    await using redis = await RedisServer.start();
    await using data = await scratch();
    await using monitor = await startMonitor({
      'classes.meter.interval': '1d',
      'broker.redis.url': redis.url,
      dataDirectory: data.path,
    });
    await redis.command('SET', 'slowbeat:fence', 'elsewhere:1:x');
    assert.equal(await monitor.process.closed(), 1);
    assert.match(monitor.process.stderr, /another broker has taken over "slowbeat"/);
  });

  it('a monitor that is its own broker refuses to be a standby, and says what to do', async () => {
    await using data = await scratch();
    await using start = slowbeat([
      ...['start', '--config', '/dev/null', '--data', data.path, '--set', 'classes.meter.interval=1d'],
      ...['--set', 'broker.redis.url=redis://127.0.0.1:1', '--set', 'broker.redis.standby=true'],
    ]);
    assert.equal(await start.closed(), 2);
    assert.match(start.stderr, /broker\.redis\.standby: .*run slowbeat broker twice/);
  });
});
