import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';

const classes = {
  meter: classConfig({ intervalMs: 60_000 }),
  pump: classConfig({ intervalMs: 10_000, algorithm: 'missed' }),
};

function busyDetector(): Detector {
  const detector = new Detector({ classes });
  for (let seq = 0; seq < 50; seq += 1) {
    for (const [deviceClass, device] of [
      ['meter', 'm1'],
      ['pump', 'p1'],
      ['meter', 'm2'],
    ] as const) {
      const at = 1_000_000 + seq * 60_000 + device.length;
      detector.advance(at);
      detector.observe({ kind: 'beat', deviceClass, device, generation: 1, session: 1, seq, site: 's1' }, at);
    }
  }
  detector.observe(
    { kind: 'bye', deviceClass: 'pump', device: 'p1', generation: 1, retire: true },
    5_000_000,
  );
  return detector;
}

test('a restored detector gives the same verdicts at the same instants', () => {
  const original = busyDetector();
  const restored = Detector.restore({ classes }, original.snapshot());
  assert.deepEqual([...restored.devices(5_000_000)], [...original.devices(5_000_000)]);
  // Which of two verdicts of the same instant comes first is chance.
  const judged = (detector: Detector) =>
    detector.advance(9e9).toSorted((a, b) => a.at - b.at || a.device.localeCompare(b.device));
  assert.deepEqual(judged(restored), judged(original));
});

test('a snapshot of a snapshot has the same bytes', () => {
  const snapshot = busyDetector().snapshot();
  assert.deepEqual(Detector.restore({ classes }, snapshot).snapshot(), snapshot);
});

test('a fleet of any size comes back as it was, whoever left before', () => {
  for (const size of [0, 1, 15, 16, 17, 63, 500]) {
    const detector = new Detector({ classes });
    for (let i = 0; i < size; i += 1) {
      const place = { site: `s${i % 3}`, gateway: i % 2 === 0 ? 'g' : undefined };
      const device = `${'x'.repeat(i % 70)}ü☂${i}`;
      detector.observe({ kind: 'beat', deviceClass: 'meter', device, seq: i, ...place }, 1_000 + i);
    }
    for (let i = 0; i < size; i += 3) {
      const device = `${'x'.repeat(i % 70)}ü☂${i}`;
      detector.observe({ kind: 'bye', deviceClass: 'meter', device, retire: true }, 2_000);
    }
    const snapshot = detector.snapshot();
    const restored = Detector.restore({ classes }, snapshot);
    assert.deepEqual([...restored.devices(3_000)], [...detector.devices(3_000)]);
    assert.deepEqual(restored.snapshot(), snapshot);
    // What left makes room: a fleet that is exchanged for another needs no more of it.
    for (let i = 0; i < size; i += 3) {
      restored.observe({ kind: 'beat', deviceClass: 'meter', device: `new-${i}` }, 4_000);
    }
    assert.equal(restored.deviceCount, size);
  }
});

test('devices of very many classes come back each in its own', () => {
  const many = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, i) => [
      `class-${i}`,
      classConfig({ intervalMs: 1_000 * (i + 1), algorithm: i % 2 === 0 ? 'fixed' : 'phi' }),
    ]),
  );
  const detector = new Detector({ classes: many });
  for (const deviceClass of Object.keys(many)) {
    detector.observe({ kind: 'beat', deviceClass, device: 'same-name' }, 1_000);
  }
  const restored = Detector.restore({ classes: many }, detector.snapshot());
  assert.equal(restored.deviceCount, 3_000);
  for (const i of [0, 1, 255, 256, 2_999]) {
    assert.equal(restored.device(`class-${i}`, 'same-name', 2_000)?.intervalMs, 1_000 * (i + 1));
  }
  assert.throws(() => {
    const classes = Object.fromEntries(Array.from({ length: 65_537 }, (_, i) => [i, many['class-0']]));
    new Detector({ classes: classes as typeof many });
  }, RangeError);
});

test('what was learned comes back when another class makes every record longer', () => {
  const simple = { pump: classConfig({ intervalMs: 60_000, algorithm: 'phi' }) };
  const detector = new Detector({ classes: simple });
  for (let seq = 0; seq < 20; seq += 1) {
    detector.observe(
      { kind: 'beat', deviceClass: 'pump', device: 'p1', seq },
      seq * 61_000 + (seq % 3) * 500,
    );
  }
  const restored = Detector.restore({ classes: { ...classes, ...simple } }, detector.snapshot());
  const explained = [detector, restored].map((each) => each.explain('pump', 'p1', 2_000_000));
  assert.deepEqual(explained[1], explained[0]);
});

test('devices of a class that is no longer configured are left out', () => {
  const restored = Detector.restore({ classes: { meter: classes.meter } }, busyDetector().snapshot());
  assert.deepEqual(
    [...restored.devices(0)].map(({ device }) => device),
    ['m1', 'm2'],
  );
});

test('a class whose algorithm changed keeps its verdicts and learns anew', () => {
  const changed = { ...classes, meter: classConfig({ intervalMs: 60_000, algorithm: 'fixed' }) };
  const original = busyDetector();
  const restored = Detector.restore({ classes: changed }, original.snapshot());
  const [before, after] = [original, restored].map((detector) => detector.device('meter', 'm1', 5_000_000));
  assert.equal(after?.state, before?.state);
  assert.equal(after?.deadAt, before?.deadAt);
});

test('a snapshot that is cut short, damaged or foreign is refused with its reason', () => {
  const snapshot = busyDetector().snapshot();
  const damaged = Uint8Array.from(snapshot);
  damaged[200] = (damaged[200] as number) ^ 1;
  const newer = Uint8Array.from(snapshot);
  newer[8] = 99;
  for (const [bytes, reason] of [
    [snapshot.subarray(0, snapshot.length - 9), /checksum/],
    [damaged, /checksum/],
    [newer, /version 99/],
    [new TextEncoder().encode('{"not":"a snapshot","but":"json"}'), /does not begin/],
    [new Uint8Array(0), /does not begin/],
  ] as const) {
    assert.throws(() => Detector.restore({ classes }, bytes), {
      code: 'SNAPSHOT_UNREADABLE',
      message: reason,
    });
  }
});

test('what was heard after the snapshot is forgotten without being held against the device', () => {
  const original = busyDetector();
  const savedAt = 1_000_000 + 49 * 60_000 + 2;
  const snapshot = original.snapshot();
  const restored = Detector.restore({ classes }, snapshot);
  // The process lived on for ten intervals, was killed, and comes back an interval later.
  const killedAt = savedAt + 600_000;
  restored.observe({ kind: 'monitor', up: false }, killedAt);
  const { transitions } = restored.observe({ kind: 'monitor', up: true }, killedAt + 60_000);
  assert.deepEqual(
    transitions.filter(({ to }) => to === 'dead'),
    [],
  );
  assert.deepEqual(
    restored.advance(killedAt + 61_000).filter(({ to }) => to === 'dead'),
    [],
  );
});

test('verdicts adopted without a snapshot cost nobody his life for silence that nobody listened to', () => {
  const detector = new Detector({ classes });
  detector.adopt({ deviceClass: 'pump', device: 'p1', state: 'alive', reason: 'first-seen', at: 1_000_000 });
  detector.adopt({ deviceClass: 'pump', device: 'p2', state: 'dead', reason: 'silence', at: 1_500_000 });
  const made = [
    ...detector.observe({ kind: 'monitor', up: false }, 9_000_000).transitions,
    ...detector.observe({ kind: 'monitor', up: true }, 9_500_000).transitions,
    ...detector.advance(9_505_000),
  ];
  assert.deepEqual(
    made.map(({ device, to }) => `${device} ${to}`),
    ['p1 unknown'],
  );
  const beat = {
    kind: 'beat',
    deviceClass: 'pump',
    device: 'p1',
    generation: 1,
    session: 9,
    seq: 900,
  } as const;
  assert.equal(detector.observe(beat, 9_506_000).transitions[0]?.to, 'alive');
});
