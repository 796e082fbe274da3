import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ZodError } from 'zod';
import { listeningBroker } from './broker.test.support.ts';
import type { RunRecord } from './run-record.ts';
import { runSimLive, type SimLiveOptions, simLiveOptionsSchema } from './sim-live.ts';
import type { TruthLine } from './truth.ts';

const folder = await mkdtemp(join(tmpdir(), 'slowbeat-sim-'));
after(() => rm(folder, { recursive: true }));

const scenario = {
  name: 'brief',
  devices: 5,
  duration: '1500ms',
  classes: {
    meter: { interval: '200ms', faults: [{ kind: 'crash', every: '1s', for: ['100ms', '300ms'] }] },
  },
};

test('a run leaves its truth and a record, and the record repeats the run', async () => {
  await using broker = await listeningBroker();
  const run = async (name: string, options: SimLiveOptions) => {
    const files = { truth: join(folder, `${name}.ndjson`), record: join(folder, `${name}.json`) };
    const { summary, record } = await runSimLive({ url: broker.url, ...options, ...files });
    const text = await readFile(files.truth, 'utf8');
    assert.ok(text.endsWith('\n'));
    const truth = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TruthLine);
    const written = JSON.parse(await readFile(files.record, 'utf8')) as RunRecord;
    assert.deepEqual(written, record);
    return { summary, record, truth };
  };
  const first = await run('first', { scenario, interval: '150ms', connectRate: 50, prefix: 'lab-' });
  assert.ok(first.truth.length > 5);
  const instants = first.truth.map(({ t }) => t);
  assert.deepEqual(
    instants,
    [...instants].sort((a, b) => a - b),
  );
  assert.deepEqual(first.record.scenario, scenario);
  assert.equal(first.record.seed, first.summary.seed);

  const again = await run('again', { scenario: first.record });
  assert.deepEqual(again.record, first.record);
  const untimed = (truth: readonly TruthLine[]) => truth.map(({ t: _, ...line }) => line);
  assert.deepEqual(untimed(again.truth), untimed(first.truth));
  assert.deepEqual(again.summary.faults, first.summary.faults);
});

test('what is asked for stands above the record that is repeated', async () => {
  await using broker = await listeningBroker();
  const ended = { signal: AbortSignal.abort() };
  const at = { url: broker.url };
  const { record } = await runSimLive({ ...at, scenario, seed: 7, count: 3, for: '20s' }, ended);
  const changed = await runSimLive({ ...at, scenario: record, count: 4, interval: '1m30s' }, ended);
  assert.deepEqual(changed.record, { ...record, count: 4, interval: '1m30s' });
});

test('numbers may be text, as flags and the environment give them', () => {
  const options = simLiveOptionsSchema.parse({
    count: '200',
    connectRate: '12.5',
    port: '1884',
    startNumber: '0',
  });
  assert.deepEqual(
    [options.count, options.connectRate, options.port, options.startNumber],
    [200, 12.5, 1884, 0],
  );
});

for (const [option, value] of [
  ['count', 0],
  ['count', '1e9'],
  ['count', ''],
  ['connectRate', '-1'],
  ['interval', '5'],
  ['for', '0s'],
  ['url', 'http://127.0.0.1'],
  ['port', 70_000],
  ['seed', -1],
  ['ending', 'bang'],
] as const) {
  test(`refuses ${option} ${JSON.stringify(value)} by name`, async () => {
    await assert.rejects(runSimLive({ [option]: value }), (error) => {
      assert.ok(error instanceof ZodError);
      assert.deepEqual(
        error.issues.map(({ path }) => path[0]),
        [option],
      );
      return true;
    });
  });
}

test('an option that does not exist is refused', async () => {
  await assert.rejects(runSimLive({ devices: 3 } as SimLiveOptions), /devices/);
});

test('a file that cannot be written ends the run before it begins', async () => {
  let truthLines = 0;
  for (const option of ['truth', 'record']) {
    const run = runSimLive(
      { scenario, [option]: join(folder, 'no', 'such') },
      { onTruth: () => truthLines++ },
    );
    await assert.rejects(run, { code: 'file', message: /cannot write the .*ENOENT/ });
  }
  assert.equal(truthLines, 0);
});

test('a broken record is refused with every mistake', async () => {
  const record = { slowbeatRun: 2, scenario, seed: 1, for: 'long', count: 1, connectRate: 1, startNumber: 1 };
  await assert.rejects(runSimLive({ scenario: record }), (error: Error & { mistakes?: string[] }) => {
    assert.equal(error.mistakes?.length, 4);
    assert.match(error.message, /slowbeatRun: must be 1/);
    assert.match(error.message, /for: must be a duration/);
    return true;
  });
});

test('an unknown scenario is refused with the names of those that exist', async () => {
  await assert.rejects(runSimLive({ scenario: 'doom' }), { code: 'unknown-scenario' });
});
