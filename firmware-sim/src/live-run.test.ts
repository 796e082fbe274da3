import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { devicesHeard, type Heard, type ListeningBroker, listeningBroker } from './broker.test.support.ts';
import { type LiveRunOptions, type RunSummary, runLive } from './live-run.ts';
import { parseScenario, type ScenarioInput } from './scenario.ts';
import type { TruthLine } from './truth.ts';

/** One class that beats fast, and what the test adds. */
function fast(more: Partial<ScenarioInput>): ReturnType<typeof parseScenario> {
  const classes = { meter: { interval: '200ms' } };
  return parseScenario({ name: 'test', devices: 1, duration: '20s', classes, ...more });
}

interface Run {
  readonly broker: ListeningBroker;
  readonly truth: readonly TruthLine[];
  readonly summary: RunSummary;
}

/** Plays until the condition holds for what was heard, then ends the run. */
async function play(
  scenario: ReturnType<typeof parseScenario>,
  what: string,
  holds: (heard: readonly Heard[]) => boolean,
  options: Partial<LiveRunOptions> = {},
): Promise<Run> {
  await using broker = await listeningBroker();
  const truth: TruthLine[] = [];
  const enough = new AbortController();
  const run = runLive(scenario, {
    url: broker.url,
    seed: 1,
    signal: enough.signal,
    onTruth: (line) => truth.push(line),
    ...options,
  });
  try {
    await broker.until(what, holds);
  } finally {
    enough.abort();
  }
  return { broker, truth, summary: await run };
}

const kinds = (heard: readonly Heard[], ...wanted: Heard['kind'][]): Heard['kind'][] =>
  heard.map(({ kind }) => kind).filter((kind) => wanted.includes(kind));

const count = (heard: readonly Heard[], kind: Heard['kind']): number => kinds(heard, kind).length;

test('a crash sends the will; the device returns as a new generation', async () => {
  const scenario = fast({ timeline: [{ at: '600ms', kind: 'crash', class: 'meter', for: '500ms' }] });
  const { broker, truth, summary } = await play(
    scenario,
    'second birth',
    (heard) => count(heard, 'birth') === 2,
  );
  assert.deepEqual(kinds(broker.heard, 'birth', 'will').slice(0, 3), ['birth', 'will', 'birth']);
  const [first, will, second] = broker.heard.filter(({ kind }) => kind === 'birth' || kind === 'will');
  assert.deepEqual(will?.message, { generation: first?.message.generation, session: 1 });
  assert.ok((second?.message.generation ?? 0) > (first?.message.generation ?? Infinity));
  assert.deepEqual(
    truth.map(({ alive, link, cause }) => ({ alive, link, cause })),
    [
      { alive: true, link: true, cause: 'start' },
      { alive: false, link: true, cause: 'crash' },
      { alive: true, link: true, cause: 'recovery' },
    ],
  );
  const [, died, back] = truth;
  assert.ok(Math.abs((back?.t ?? 0) - (died?.t ?? 0) - 500) < 400, 'down for about half a second');
  assert.ok((will?.heardAt ?? 0) - (died?.t ?? Infinity) < 1000, 'the will follows the crash');
  assert.deepEqual(summary.faults, { crash: 1 });
  assert.equal(summary.connects, 2);
});

test('a hung device keeps its socket and falls silent, until its watchdog reboots it', async () => {
  const scenario = fast({ timeline: [{ at: '600ms', kind: 'hang', class: 'meter', for: '1500ms' }] });
  const { broker, truth } = await play(scenario, 'second birth', (heard) => count(heard, 'birth') === 2);
  const [, hung, back] = truth;
  assert.deepEqual([hung?.cause, hung?.alive, back?.cause], ['hang', false, 'recovery']);
  const between = broker.heard.filter(({ heardAt }) => heardAt > (hung?.t ?? 0) && heardAt < (back?.t ?? 0));
  assert.ok(between.length <= 1, `${between.length} messages; one may have been on its way, seven were due`);
  assert.deepEqual(kinds(broker.heard, 'birth', 'will').slice(0, 3), ['birth', 'will', 'birth']);
});

test('a sleeper announces its sleep, sends no will, and is back as announced', async () => {
  const scenario = fast({ timeline: [{ at: '600ms', kind: 'sleep', class: 'meter', for: '800ms' }] });
  const { broker, truth } = await play(scenario, 'second birth', (heard) => count(heard, 'birth') === 2);
  assert.deepEqual(kinds(broker.heard, 'birth', 'bye', 'will').slice(0, 3), ['birth', 'bye', 'birth']);
  const bye = broker.heard.find((one) => one.kind === 'bye');
  assert.equal(bye?.message.sleepMs, 800);
  assert.deepEqual(
    truth.map(({ alive, cause }) => [alive, cause]),
    [
      [true, 'start'],
      [true, 'sleep'],
      [true, 'wake'],
    ],
  );
});

test('one that oversleeps announces, is dead from the wake-up it announced, and comes back later', async () => {
  const scenario = fast({
    timeline: [{ at: '600ms', kind: 'sleep', class: 'meter', for: '400ms', oversleep: 1, deadFor: '500ms' }],
  });
  const { broker, truth } = await play(scenario, 'second birth', (heard) => count(heard, 'birth') === 2);
  assert.equal(count(broker.heard, 'will'), 0);
  assert.deepEqual(
    truth.map(({ alive, cause }) => [alive, cause]),
    [
      [true, 'start'],
      [true, 'sleep'],
      [false, 'overslept'],
      [true, 'recovery'],
    ],
  );
});

test('who retires says so and is gone for good', async () => {
  const scenario = fast({ timeline: [{ at: '600ms', kind: 'retire', class: 'meter' }] });
  const { broker, truth } = await play(scenario, 'bye', (heard) => count(heard, 'bye') === 1);
  assert.equal(broker.heard.find((one) => one.kind === 'bye')?.message.retire, true);
  assert.equal(count(broker.heard, 'will'), 0);
  assert.deepEqual(truth.at(-1)?.planned, true);
});

test('a lost link leaves the device running: same generation, next session, no beat lost from its count', async () => {
  const scenario = fast({ timeline: [{ at: '700ms', kind: 'link-loss', class: 'meter', for: '900ms' }] });
  const { broker, truth, summary } = await play(scenario, 'beat after the loss', (heard) =>
    heard.some(({ kind, message }) => kind === 'beat' && (message.session ?? 0) >= 2),
  );
  assert.deepEqual(kinds(broker.heard, 'birth', 'will').slice(0, 3), ['birth', 'will', 'birth']);
  const births = broker.heard.filter((one) => one.kind === 'birth');
  assert.equal(births[0]?.message.generation, births[1]?.message.generation);
  assert.deepEqual(
    truth.map(({ alive, link, cause }) => [alive, link, cause]),
    [
      [true, true, 'start'],
      [true, false, 'link-loss'],
      [true, true, 'link-back'],
    ],
  );
  assert.ok(summary.connectsRefused > 0 && summary.connectionsCut === 1 && summary.beats.missed > 0);
  const seqs = broker.heard.flatMap((one) => (one.kind === 'beat' ? (one.message.seq ?? -1) : []));
  assert.ok((seqs.at(-1) ?? 0) + 1 > seqs.length, 'the gap tells how many beats were not sent');
});

test('a dropped gateway takes all its devices off the network and none else; all come back', async () => {
  const scenario = fast({
    devices: 24,
    sites: { plant: ['gw-1', 'gw-2'] },
    gatewayDrops: [{ gateway: 'gw-1', at: '1500ms', for: '1s' }],
  });
  const behind = (heard: readonly Heard[]) =>
    new Set(
      heard.flatMap((one) => (one.kind === 'birth' && one.message.gateway === 'gw-1' ? one.device : [])),
    );
  const returned = (heard: readonly Heard[]) =>
    new Set(
      heard.flatMap((one) => (one.kind === 'beat' && (one.message.session ?? 0) > 1 ? one.device : [])),
    );
  const { broker, truth, summary } = await play(
    scenario,
    'twelve returns',
    (heard) => returned(heard).size === 12,
  );
  assert.equal(behind(broker.heard).size, 12);
  const wills = broker.heard.flatMap((one) => (one.kind === 'will' ? one.device : []));
  assert.deepEqual(new Set(wills), behind(broker.heard));
  assert.deepEqual(returned(broker.heard), behind(broker.heard));
  assert.deepEqual(summary.faults, { 'gateway-drop': 12 });
  assert.ok(
    truth.every(({ alive }) => alive),
    'nobody died',
  );
});

test('the same seed gives the same truth, up to timing', async () => {
  const scenario = fast({
    devices: 6,
    duration: '2s',
    classes: {
      meter: {
        interval: '200ms',
        faults: [
          { kind: 'crash', every: '2s', for: ['200ms', '600ms'] },
          { kind: 'link-loss', every: '2s', for: '300ms' },
        ],
      },
    },
  });
  await using broker = await listeningBroker();
  const once = async (): Promise<{ lines: unknown[]; summary: RunSummary }> => {
    const lines: unknown[] = [];
    const summary = await runLive(scenario, {
      url: broker.url,
      seed: 42,
      onTruth: ({ t: _, ...line }) => lines.push(line),
    });
    return { lines, summary };
  };
  const first = await once();
  const second = await once();
  assert.ok(first.lines.length > 12);
  assert.deepEqual(second.lines, first.lines);
  assert.deepEqual(second.summary.faults, first.summary.faults);
});

test('a hundred calm devices beat, lose nothing, and say goodbye at the end', async () => {
  const scenario = fast({ devices: 100, classes: { meter: { interval: '500ms' } } });
  await using broker = await listeningBroker();
  const enough = new AbortController();
  let byesBeforeTheEnd: number | undefined;
  const run = runLive(scenario, {
    url: broker.url,
    seed: 1,
    signal: enough.signal,
    beforeLeaving: () => {
      byesBeforeTheEnd = count(broker.heard, 'bye');
    },
  });
  await broker.until('three beats of each device', (heard) => {
    const beats = new Map<string, number>();
    for (const { kind, device } of heard) {
      if (kind === 'beat') beats.set(device, (beats.get(device) ?? 0) + 1);
    }
    return beats.size === 100 && Math.min(...beats.values()) >= 3;
  });
  enough.abort();
  const { beats, connects, connectionsLost } = await run;
  await broker.until('a hundred goodbyes', (heard) => count(heard, 'bye') === 100);
  assert.equal(byesBeforeTheEnd, 0);
  assert.equal(count(broker.heard, 'will'), 0);
  assert.equal(count(broker.heard, 'birth'), 100);
  assert.deepEqual({ connects, connectionsLost }, { connects: 100, connectionsLost: 0 });
  assert.equal(beats.acknowledged, beats.sent);
  assert.ok(count(broker.heard, 'beat') >= beats.acknowledged && beats.acknowledged >= 300);
});

test('a run ends by itself when its time is up', async () => {
  await using broker = await listeningBroker();
  const { interrupted, startedAt, endedAt } = await runLive(fast({ duration: '500ms' }), {
    url: broker.url,
    seed: 1,
  });
  assert.equal(interrupted, false);
  assert.ok(endedAt - startedAt >= 490, `${endedAt - startedAt} ms`);
});

test('devices that are cut at the end leave their wills, silent ones leave nothing', async () => {
  const beaten = (heard: readonly Heard[]) => devicesHeard(heard, 'beat') === 3;
  await using broker = await listeningBroker();
  for (const [ending, prefix] of [
    ['cut', 'c-'],
    ['silent', 's-'],
    ['bye', 'b-'],
  ] as const) {
    const enough = new AbortController();
    const ours = (heard: readonly Heard[]) => heard.filter(({ device }) => device.startsWith(prefix));
    const run = runLive(fast({ devices: 3 }), {
      url: broker.url,
      seed: 1,
      prefix,
      ending,
      signal: enough.signal,
    });
    await broker.until('three devices beat', (heard) => beaten(ours(heard)));
    enough.abort();
    assert.equal((await run).interrupted, true);
  }
  await broker.until('the last goodbyes', (heard) => count(heard, 'bye') === 3 && count(heard, 'will') === 3);
  const by = (kind: Heard['kind']) =>
    new Set(broker.heard.flatMap((one) => (one.kind === kind ? one.device[0] : [])));
  assert.deepEqual([by('will'), by('bye')], [new Set(['c']), new Set(['b'])]);
});

test('a broker that nobody can reach ends the run, and the message says where', async () => {
  // A port that was free a moment ago, and has no listener now.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const run = runLive(fast({}), {
    url: `mqtt://u:secret@127.0.0.1:${port}`,
    seed: 1,
    connectPatienceMs: 800,
  });
  await assert.rejects(run, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'broker-unreachable');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} within 0\\.8 s: .*ECONNREFUSED`));
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test('a signal that has come before the run ends it at once', async () => {
  await using broker = await listeningBroker();
  const { interrupted, connects } = await runLive(fast({}), {
    url: broker.url,
    seed: 1,
    signal: AbortSignal.abort(),
  });
  assert.deepEqual({ interrupted, connects }, { interrupted: true, connects: 0 });
});
