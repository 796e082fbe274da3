import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ALGORITHMS,
  type ClassConfig,
  classConfig,
  type Evidence,
  type Transition,
} from '../detector/index.ts';
import { type Contender, withAlgorithm, withBudget } from './contender.ts';
import { Replay, replay } from './replay.ts';
import type { ReplayReport } from './report.ts';
import { type Score, YEAR_MS } from './score.ts';
import { TraceError } from './trace-error.ts';
import type { TraceEvent } from './trace-line.ts';
import { parseTruthLine, type TruthLine } from './truth-line.ts';

/** Beats every 10 s, dead after 40 s; instants in these tests are seconds. */
const METER: ClassConfig = classConfig({ intervalMs: 10_000, algorithm: 'fixed', timeoutMs: 40_000 });
const FIXED: readonly Contender[] = [{ name: 'fixed', classes: { meter: METER } }];

function heard(second: number, device: string, more: object = {}): TraceEvent {
  const evidence = { kind: 'beat', device, deviceClass: 'meter', ...more } as Evidence;
  return { at: 1000 * second, evidence };
}

const monitor = (second: number, up: boolean): TraceEvent => ({
  at: 1000 * second,
  evidence: { kind: 'monitor', up },
});

const beats = (device: string, from: number, to: number): TraceEvent[] =>
  Array.from({ length: (to - from) / 10 + 1 }, (_, index) => heard(from + 10 * index, device));

const truth = (second: number, about: object): TruthLine =>
  parseTruthLine(JSON.stringify({ t: 1000 * second, ...about })) as TruthLine;

const died = (second: number, device: string) => truth(second, { device, alive: false });
const lived = (second: number, device: string) => truth(second, { device, alive: true });

const inOrder = (events: readonly TraceEvent[]) => [...events].sort((a, b) => a.at - b.at);

async function* once<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  // In small batches, as files give them.
  for (let from = 0; from < items.length; from += 3) yield items.slice(from, from + 3);
}

function report(
  events: readonly TraceEvent[],
  lines?: readonly TruthLine[],
  contenders = FIXED,
): Promise<ReplayReport> {
  const trace = once(inOrder(events));
  const { classes } = contenders[0] as Contender;
  return replay({ trace, truth: lines && once(lines), classes, contenders });
}

async function total(events: readonly TraceEvent[], lines?: readonly TruthLine[]): Promise<Score> {
  return ((await report(events, lines)).contenders[0] as ReplayReport['contenders'][number]).total;
}

const close = (found: number | undefined, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs((found ?? Number.NaN) - expected) <= tolerance, `${found} is not ${expected}`);

test('without truth, a death is a mistake when the device is heard again', async () => {
  const score = await total([
    heard(0, 'd1'),
    heard(10, 'd1'),
    heard(20, 'd1'),
    heard(100, 'd1'),
    heard(110, 'd1'),
  ]);
  assert.equal(score.falseAlarms, 1);
  close(score.deviceYears, 110_000 / YEAR_MS);
  close(score.falseAlarmsPerDeviceYear, YEAR_MS / 110_000, 1e-3);
  close(score.ratio, YEAR_MS / 110_000, 1e-3);
  // Dead from 60 to 100.
  assert.equal(score.mistakeMs, 40_000);
  assert.equal(score.mistakeRecurrenceMs, 110_000);
  close(score.queryAccuracy, 1 - 40 / 110);
  // Three silences of 10 with 40 to go, and 40²/2 of the long one.
  close(score.expected?.ms.mean, (3 * 350_000 + 800_000) / 110, 1e-6);
  close(score.expected?.intervals.mean, (3 * 35 + 80) / 110, 1e-9);
  assert.equal(score.deaths, 0);
  assert.equal(score.detection, undefined);
});

test('the last silence of a trace is neither observed nor a mistake, only unresolved', async () => {
  const score = await total([...beats('d1', 0, 20), ...beats('d2', 0, 200)]);
  assert.equal(score.falseAlarms, 0);
  assert.equal(score.unresolved, 1);
  close(score.deviceYears, 220_000 / YEAR_MS);
});

test('the trace ends with its last event: nothing later is judged', async () => {
  assert.equal((await total([...beats('d1', 0, 20), ...beats('d2', 0, 50)])).unresolved, 0);
  assert.equal((await total([...beats('d1', 0, 20), ...beats('d2', 0, 60)])).unresolved, 1);
});

test('without truth, a device that comes back with a new boot may well have been dead', async () => {
  const score = await total([
    heard(0, 'd1', { generation: 1 }),
    heard(10, 'd1', { generation: 1 }),
    heard(100, 'd1', { kind: 'birth', generation: 2, uptimeMs: 5000 }),
    heard(110, 'd1', { generation: 2 }),
  ]);
  assert.equal(score.falseAlarms, 0);
  assert.equal(score.unresolved, 1);
  // The 90 s in between are nobody's.
  close(score.deviceYears, 20_000 / YEAR_MS);
});

test('a straggler or a repetition is no proof that a silent device lived', async () => {
  const numbered = (second: number, seq: number) => heard(second, 'd1', { seq, generation: 1 });
  const score = await total([numbered(0, 0), numbered(10, 1), numbered(80, 1), ...beats('d2', 0, 90)]);
  assert.equal(score.falseAlarms, 0);
  assert.equal(score.unresolved, 1);
});

test('with truth: detection time, wrong verdicts and time to live again, by hand', async () => {
  const score = await total(
    [...beats('d1', 0, 20), heard(82, 'd1'), heard(92, 'd1'), ...beats('d2', 0, 100)],
    [died(25, 'd1'), lived(80, 'd1')],
  );
  assert.equal(score.falseAlarms, 0);
  assert.deepEqual([score.deaths, score.detected, score.missed, score.undecided], [1, 1, 0, 0]);
  // Dead at 20 + 40, having died at 25.
  assert.equal(score.detection?.ms.mean, 35_000);
  close(score.detection?.intervals.mean, 3.5);
  // Wrong from 25 to 60, and from 80 until it was heard at 82.
  close(score.queryAccuracy, 1 - 37 / 200);
  // d1 lived and was expected 0–25 and 82–100.
  close(score.deviceYears, 143_000 / YEAR_MS);
});

test('with truth, a live device called dead is a mistake at once, heard again or not', async () => {
  const score = await total([...beats('d1', 0, 20), ...beats('d2', 0, 100)], [died(70, 'd1')]);
  assert.equal(score.falseAlarms, 1);
  // The mistake of 60 turned right at 70, when it died: noticed as it happened.
  assert.equal(score.detection?.ms.mean, 0);
  assert.equal(score.mistakeMs, 10_000);
  close(score.queryAccuracy, 1 - 10 / 200);
});

test('a death that is over before it was called is missed; one that the trace cuts off is undecided', async () => {
  const score = await total(
    [...beats('d1', 0, 20), ...beats('d1', 50, 100), ...beats('d2', 0, 80), heard(100, 'd3')],
    [died(25, 'd1'), lived(45, 'd1'), died(85, 'd2')],
  );
  assert.deepEqual([score.deaths, score.detected, score.missed, score.undecided], [2, 0, 1, 1]);
});

test('a verdict that flips counts from when it stays', async () => {
  // A message of the dead device arrives at 70, long under way: alive again, dead for good at 110.
  const score = await total(
    [...beats('d1', 0, 20), heard(70, 'd1'), ...beats('d2', 0, 200)],
    [died(25, 'd1')],
  );
  assert.equal(score.detection?.ms.mean, 85_000);
  assert.equal(score.falseAlarms, 0);
});

test('a planned absence is neither death nor mistake nor time observed', async () => {
  const score = await total(
    [...beats('d1', 0, 20), ...beats('d2', 0, 100)],
    [truth(25, { device: 'd1', alive: false, planned: true })],
  );
  assert.deepEqual([score.deaths, score.falseAlarms], [0, 0]);
  close(score.deviceYears, 125_000 / YEAR_MS);
});

test('truth told again, or about devices never heard, changes nothing', async () => {
  const lines = [died(25, 'd1'), died(30, 'd1'), died(31, 'ghost'), lived(40, 'ghost')];
  const score = await total([...beats('d1', 0, 20), ...beats('d2', 0, 100)], lines);
  assert.deepEqual([score.devices, score.deaths], [2, 1]);
  assert.equal(score.detection?.ms.mean, 35_000);
});

test('truth names a class where two classes have devices of one name', async () => {
  const classes = { meter: METER, valve: METER };
  const contenders = [{ name: 'fixed', classes }];
  const events = [...beats('d1', 0, 20), ...beats('d2', 0, 100), heard(5, 'd1', { deviceClass: 'valve' })];
  await assert.rejects(report(events, [died(25, 'd1')], contenders), (error) => {
    assert.ok(error instanceof TraceError);
    assert.equal(error.code, 'ambiguous-device');
    assert.match(error.message, /"d1", which the classes meter and valve both have; add "class"/);
    return true;
  });
  const named = await report(events, [truth(25, { device: 'd1', class: 'meter', alive: false })], contenders);
  assert.equal(named.contenders[0]?.classes.meter?.deaths, 1);
  assert.equal(named.contenders[0]?.classes.valve?.deaths, 0);
});

for (const lines of [undefined, []]) {
  test(`blind time is not observed and kills nobody, ${lines ? 'with' : 'without'} truth`, async () => {
    const events = [...beats('d1', 0, 20), monitor(25, false), monitor(125, true), ...beats('d1', 130, 140)];
    const score = await total(events, lines);
    assert.equal(score.falseAlarms, 0);
    close(score.deviceYears, (25_000 + 15_000) / YEAR_MS);
    assert.equal(score.queryAccuracy, 1);
  });
}

test('an announced sleep is an ordinary silence; maintenance is nobody’s time', async () => {
  const bye = (second: number, more: object) => heard(second, 'd1', { kind: 'bye', ...more });
  const asleep = await total([...beats('d1', 0, 10), bye(12, { sleepMs: 60_000 }), heard(71, 'd1')]);
  assert.equal(asleep.falseAlarms, 0);
  close(asleep.deviceYears, 71_000 / YEAR_MS);
  const away = await total([...beats('d1', 0, 10), bye(12, { maintenanceMs: 60_000 }), heard(71, 'd1')]);
  assert.equal(away.falseAlarms, 0);
  close(away.deviceYears, 12_000 / YEAR_MS);
});

test('alarms of an outage: one for each death, or one for the incident', async () => {
  const gateway = { gateway: 'g1' };
  const lines = [truth(25, { gateway: 'g1', up: false }), truth(200, { gateway: 'g1', up: true })];
  const fleet = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      [0, 10, 20, 205].map((at) => heard(at, `d${index}`, gateway)),
    ).flat();
  const pair = await report([...fleet(2), ...beats('other', 0, 210)], lines);
  assert.deepEqual([pair.contenders[0]?.outages, pair.contenders[0]?.outageAlarms], [1, 2]);
  const many = await report([...fleet(12), ...beats('other', 0, 210)], lines);
  assert.deepEqual([many.contenders[0]?.outages, many.contenders[0]?.outageAlarms], [1, 1]);
  assert.equal(many.contenders[0]?.total.falseAlarms, 0);
});

test('the best multiple in hindsight goes by the interval that a birth states, and takes a next of 0 for none', async () => {
  const birth: TraceEvent = {
    at: 0,
    evidence: { kind: 'birth', device: 'd1', deviceClass: 'meter', intervalMs: 40_000 },
  };
  const slow = Array.from({ length: 9 }, (_, index) => heard(40 * (index + 1), 'd1', { nextMs: 0 }));
  const { hindsight } = await report([birth, ...slow]);
  close(hindsight.classes.meter?.multiple, 1, 0.006);
});

test('the best multiple in hindsight knows announced silences', async () => {
  const nights = Array.from({ length: 50 }, (_, night) => [
    heard(200 * night, 'd1'),
    heard(200 * night + 10, 'd1', { nextMs: 190_000 }),
  ]).flat();
  const { hindsight } = await report(nights);
  close(hindsight.classes.meter?.multiple, 1, 0.006);
  assert.equal(hindsight.classes.meter?.falseAlarms, 0);
});

test('detectors side by side see what each would see alone', async () => {
  const classes = { meter: METER };
  const contenders = ALGORITHMS.map((algorithm) => withAlgorithm(classes, algorithm));
  const events = inOrder([...beats('d1', 0, 300), ...beats('d2', 0, 100), ...beats('d2', 200, 300)]);
  const together = await report(events, [died(100, 'd2')], contenders);
  for (const [index, contender] of contenders.entries()) {
    const alone = await report(events, [died(100, 'd2')], [contender]);
    assert.deepEqual(together.contenders[index], alone.contenders[0]);
  }
});

test('a larger budget is passed on to the detector', () => {
  const contender = withBudget(withAlgorithm({ meter: METER }, 'adaptive'), 4);
  assert.equal(contender.classes.meter?.falseAlarmsPerDeviceYear, 4);
});

test('an empty trace gives an empty report', async () => {
  const { events, devices, span, contenders } = await report([]);
  assert.deepEqual([events, devices, span], [0, 0, undefined]);
  assert.deepEqual(contenders[0]?.classes, {});
});

test('transitions do not depend on what else is in the trace', () => {
  const arrivals = fc.array(fc.record({ gap: fc.nat({ max: 60_000 }), device: fc.nat({ max: 3 }) }), {
    maxLength: 40,
  });
  const classes = { meter: METER, other: METER };
  const run = (events: readonly TraceEvent[], end: number): Transition[] => {
    const made: Transition[] = [];
    const onTransition = (transition: Transition) => {
      if (transition.deviceClass === 'meter') made.push(transition);
    };
    const contenders = [{ ...withAlgorithm(classes, 'adaptive'), outageGroups: [] }];
    const alone = new Replay({ classes, contenders, hasTruth: false, onTransition });
    for (const event of events) alone.observe(event);
    alone.observe({ at: end, evidence: { kind: 'traffic', device: 'end', deviceClass: 'other' } });
    alone.finish();
    return made;
  };
  fc.assert(
    fc.property(arrivals, fc.array(fc.nat({ max: 600_000 })), (steps, elsewhere) => {
      let at = 0;
      const events = steps.map(({ gap, device }) => {
        at += gap;
        return heard(at / 1000, `d${device}`);
      });
      const end = at + 600_000;
      const noise = elsewhere.map((instant) => heard(instant / 1000, 'noise', { deviceClass: 'other' }));
      const noisy = inOrder([...events, ...noise.filter((event) => event.at < end)]);
      assert.deepEqual(run(noisy, end), run(events, end));
    }),
  );
});

test('device-time is conserved: what is judged is what the truth says was there', () => {
  const story = fc.record({
    gaps: fc.array(fc.integer({ min: 1000, max: 90_000 }), { minLength: 2, maxLength: 20 }),
    flips: fc.array(fc.integer({ min: 1000, max: 200_000 }), { maxLength: 6 }),
  });
  fc.assert(
    fc.asyncProperty(story, async ({ gaps, flips }) => {
      let at = 0;
      const events = [heard(0, 'd1')];
      for (const gap of gaps) {
        at += gap;
        events.push(heard(at / 1000, 'd1'));
      }
      let flipAt = 0;
      const lines = flips.map((gap, index) => {
        flipAt += gap;
        return index % 2 === 0 ? died(flipAt / 1000, 'd1') : lived(flipAt / 1000, 'd1');
      });
      const score = await total(events, lines);
      const { deaths, detected, missed, undecided } = score;
      assert.equal(deaths, lines.filter((line) => 'alive' in line && !line.alive && line.at <= at).length);
      assert.equal(detected + missed + undecided, deaths);
      assert.ok(score.deviceYears * YEAR_MS <= at + 1e-3);
      const accuracy = score.queryAccuracy ?? 1;
      assert.ok(accuracy >= 0 && accuracy <= 1);
    }),
  );
});
