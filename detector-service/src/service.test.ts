import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Beat, type Birth, type Bye, decode, encode, topicFor } from '@slowbeat/device-sdk/protocol';
import { until } from '@slowbeat/test-servers';
import { type Logger, pino } from 'pino';
import { readAliveMark } from './alive-mark.ts';
import { detectorConfigSchema } from './config.ts';
import { createDetectorService } from './create-service.ts';
import type { State, Transition } from './detector/index.ts';
import { pathsIn } from './recovery.ts';
import type { DetectorService } from './service.ts';
import { ManualClock } from './test-support/manual-clock.ts';

/** 20 November 2026, ten in the morning, UTC. */
const START_AT = Date.UTC(2026, 10, 20, 10);
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** One machine with a data directory; monitors start and end on it. */
class Machine {
  readonly clock = new ManualClock(START_AT);
  readonly logged: { level: number; msg: string; reason?: string }[] = [];
  readonly published = new Map<string, string>();
  readonly told: Transition[] = [];
  readonly logger: Logger = pino({ level: 'warn' }, { write: (line) => this.logged.push(JSON.parse(line)) });

  readonly dataDirectory: string;

  constructor(dataDirectory: string) {
    this.dataDirectory = dataDirectory;
  }

  async start(classes: Record<string, object> = { meter: FIXED }): Promise<DetectorService> {
    const service = await createDetectorService({
      config: detectorConfigSchema.parse({ dataDirectory: this.dataDirectory, monitor: 'm1', classes }),
      clock: this.clock,
      logger: this.logger,
      publish: async (topic, payload) => {
        if (payload.length === 0) return void this.published.set(topic, 'none');
        const verdict = decode('state', payload);
        assert.ok(verdict.ok, topic);
        this.published.set(topic, verdict.message.state);
      },
    });
    service.onTransition((transition) => this.told.push(transition));
    return service;
  }

  /** Every verdict in the journal, as `device state@instant`. */
  async journal(): Promise<string[]> {
    const directory = join(this.dataDirectory, 'journal');
    const segments = (await readdir(directory)).filter((name) => name.endsWith('.lp')).sort();
    const texts = await Promise.all(segments.map((name) => readFile(join(directory, name), 'utf8')));
    return texts
      .join('')
      .split('\n')
      .flatMap((line) => {
        const [, device, status] = /device=([^, ]+).* state=.*status="(\w+)"/.exec(line) ?? [];
        const heldMs = line.includes('held_ms') ? ' checkpoint' : '';
        return device === undefined
          ? []
          : [`${device} ${status}@${sinceStart(Number(line.split(' ').at(-1)))}${heldMs}`];
      });
  }
}

const FIXED = { algorithm: 'fixed', interval: '10s', suspectAfter: '20s', timeout: '40s' };

function sinceStart(at: number): string {
  return `${(at - START_AT) / SECOND}s`;
}

let directory = '';
let machine: Machine;
let service: DetectorService;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slowbeat-service-'));
  machine = new Machine(directory);
  service = await machine.start();
});
afterEach(async () => {
  await service.stop();
  await rm(directory, { recursive: true });
});

function send(
  kind: 'birth' | 'beat' | 'bye',
  device: string,
  message: Birth & Beat & Bye,
  retained = false,
): Promise<void> {
  const topic = topicFor('hb/v1', 'meter', device, kind);
  return service.handle({ topic, payload: encode(kind, message), retained });
}

async function settle(): Promise<void> {
  await service.settled();
  await new Promise((resolve) => setImmediate(resolve));
}

function stateOf(device: string): State | undefined {
  return [...service.devices()].find((view) => view.device === device)?.state;
}

describe('the detector service', () => {
  it('writes a verdict into the journal before it publishes it', async () => {
    service.link(true);
    const journalAtPublication: Promise<string[]>[] = [];
    service.onTransition(() => journalAtPublication.push(machine.journal()));
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await settle();
    assert.deepEqual(await journalAtPublication[0], ['m-1 alive@0s']);
    assert.deepEqual([...machine.published], [['hb/v1/meter/m-1/state', 'alive']]);
  });

  it('tells of a death at the instant of the deadline, without another message', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(2 * MINUTE);
    await settle();
    assert.deepEqual(await machine.journal(), ['m-1 alive@0s', 'm-1 suspect@20s', 'm-1 dead@40s']);
    assert.equal(machine.published.get('hb/v1/meter/m-1/state'), 'dead');
    assert.ok(machine.told.every(({ at, noticedAt }) => noticedAt - at < 100));
  });

  it('counts every message by what became of it, and logs bad ones at a bounded rate', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 1 }, true);
    for (let i = 0; i < 100; i++) {
      await service.handle({ topic: 'some/where/else', payload: Buffer.from('?'), retained: false });
      await service.handle({ topic: `hb/v1/ghost/g-${i}/beat`, payload: Buffer.from(''), retained: false });
      await service.handle({ topic: 'hb/v1/meter/m-1/beat', payload: Buffer.from([i]), retained: false });
    }
    const count = (...words: string[]): number => service.messages.count(...words);
    assert.deepEqual(
      [count('beat', 'renewed'), count('beat', 'duplicate'), count('-', 'retained')],
      [1, 1, 1],
    );
    assert.deepEqual([count('-', 'bad-topic'), count('beat', 'unknown-class')], [100, 100]);
    assert.equal(count('-', 'not-json-or-cbor') + count('-', 'malformed'), 100);
    assert.ok(machine.logged.length <= 5 * 5, `${machine.logged.length} lines`);
    const unknownClass = machine.logged.find(({ reason }) => reason === 'unknown-class');
    assert.match(unknownClass?.msg ?? '', /name it under classes in slowbeat\.yaml/);
  });

  it('does not hold its own pause against the fleet', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(15 * SECOND);
    machine.clock.freeze(5 * MINUTE);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 31 });
    await settle();
    const states = machine.told.map(({ to, at }) => `${to}@${sinceStart(at)}`);
    assert.deepEqual(states, ['alive@0s', 'unknown@15s', 'alive@315s']);
  });

  it('takes a clock set forward by an hour for blindness, and a clock set back for nothing', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    machine.clock.setWall(machine.clock.epochMs() + 60 * MINUTE);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 1 });
    machine.clock.setWall(machine.clock.epochMs() - 30 * MINUTE);
    await machine.clock.pass(10 * SECOND);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 2 });
    await settle();
    assert.ok(!machine.told.some(({ to }) => to === 'dead' || to === 'suspect'));
    assert.equal(stateOf('m-1'), 'alive');
    const instants = machine.told.map(({ noticedAt }) => noticedAt);
    assert.deepEqual(
      instants,
      [...instants].sort((a, b) => a - b),
    );
  });

  it('is blind while the link is down: nobody dies, and the time is unknown', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(5 * SECOND);
    service.link(false);
    await machine.clock.pass(10 * MINUTE);
    service.link(true);
    await machine.clock.pass(5 * SECOND);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 60 });
    await settle();
    assert.deepEqual(await machine.journal(), ['m-1 alive@0s', 'm-1 unknown@5s', 'm-1 alive@610s']);
  });

  it('carries every device over midnight', async () => {
    service.link(true);
    const midnightAt = Date.UTC(2026, 10, 21);
    machine.clock.setWall(midnightAt - 10 * SECOND);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(15 * SECOND);
    await settle();
    assert.deepEqual(await machine.journal(), [
      `m-1 alive@${sinceStart(midnightAt - 10 * SECOND)}`,
      `m-1 alive@${sinceStart(midnightAt)} checkpoint`,
    ]);
  });
});

describe('a restart', () => {
  it('after a clean stop keeps verdicts and deadlines; the time between is unknown', async () => {
    service.link(true);
    await send('beat', 'dead', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(50 * SECOND);
    await send('beat', 'alive', { generation: 7, session: 2, seq: 5 });
    await machine.clock.pass(5 * SECOND);
    await service.stop();
    assert.equal(machine.clock.timers, 0, 'a stopped service leaves no timer behind');
    await machine.clock.pass(10 * SECOND);
    service = await machine.start();
    service.link(true);
    assert.deepEqual([stateOf('dead'), stateOf('alive')], ['dead', 'unknown']);
    await send('beat', 'alive', { generation: 7, session: 2, seq: 5 });
    assert.equal(service.messages.count('beat', 'duplicate'), 1, 'what it knew of the device is still known');
    await send('beat', 'alive', { generation: 7, session: 2, seq: 6 });
    await settle();
    const about = (await machine.journal()).filter((line) => line.startsWith('alive'));
    assert.deepEqual(about, ['alive alive@50s', 'alive unknown@55s', 'alive alive@65s']);
    assert.equal(machine.told.filter(({ to }) => to === 'dead').length, 1, 'nobody is told twice');
  });

  it('after a SIGKILL continues from the journal, blind since the last sign of life', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(61 * SECOND);
    await settle();
    assert.equal(stateOf('m-1'), 'dead');
    await send('beat', 'm-2', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(4 * SECOND);
    await settle();
    const { mark } = pathsIn(directory);
    await until(async () => (await readAliveMark(mark)) === START_AT + 65 * SECOND, 'the last sign of life');
    // As after a kill: what is on disk is all there is, half-written files included.
    const copy = await mkdtemp(join(tmpdir(), 'slowbeat-killed-'));
    await cp(directory, copy, { recursive: true, filter: (path) => !/\.(new|lock)$/.test(path) });
    const next = new Machine(copy);
    await next.clock.pass(2 * MINUTE);
    const restarted = await next.start();
    restarted.link(true);
    await restarted.stop();
    assert.deepEqual(
      [...restarted.devices()].map(({ device, state }) => `${device} ${state}`),
      ['m-1 dead', 'm-2 unknown'],
    );
    const lines = await next.journal();
    assert.deepEqual(lines.slice(-1), ['m-2 unknown@65s']);
    assert.equal(new Set(lines).size, lines.length, 'nothing is written twice');
    await rm(copy, { recursive: true });
  });

  it('moves a damaged snapshot aside and continues from the journal', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(60 * SECOND);
    await service.stop();
    const path = join(directory, 'detector.snapshot');
    await writeFile(path, Buffer.from('not a snapshot'));
    service = await machine.start();
    assert.equal(stateOf('m-1'), 'dead');
    assert.equal(await readFile(`${path}.refused`, 'utf8'), 'not a snapshot');
    assert.match(machine.logged.at(-1)?.msg ?? '', /moved aside/);
  });

  it('retires, once, devices whose class is gone from the settings, and takes their verdicts back', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    await machine.clock.pass(60 * SECOND);
    await service.stop();
    for (let run = 0; run < 2; run++) {
      service = await machine.start({ other: { interval: '1m' } });
      service.link(true);
      await service.stop();
    }
    const retired = (await machine.journal()).filter((line) => line.startsWith('m-1 retired'));
    assert.equal(retired.length, 1);
    assert.equal(machine.published.get('hb/v1/meter/m-1/state'), 'none');
  });

  it('takes back the verdict of a device that was retired just before a crash', async () => {
    service.link(true);
    await send('beat', 'm-1', { generation: 1, session: 1, seq: 0 });
    service.link(false);
    await send('bye', 'm-1', { generation: 1, session: 1, retire: true });
    await service.stop();
    assert.equal(machine.published.get('hb/v1/meter/m-1/state'), 'alive');
    service = await machine.start();
    service.link(true);
    await service.stop();
    assert.equal(machine.published.get('hb/v1/meter/m-1/state'), 'none');
  });

  it('refuses a data directory in which another monitor works', async () => {
    await assert.rejects(machine.start(), { code: 'journal-locked' });
  });
});
