import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';
import type { Transition } from './transition.ts';

const INTERVAL_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A site of `size` devices with staggered beats; those for which `silent` holds at an instant are not heard. */
function runSite(
  size: number,
  untilMs: number,
  silent: (device: number, at: number) => boolean,
): Transition[] {
  const detector = new Detector({
    classes: { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'missed', missedBeats: 2 }) },
  });
  const made: Transition[] = [];
  for (let beat = 0; beat * INTERVAL_MS < untilMs; beat += 1) {
    for (let device = 0; device < size; device += 1) {
      const at = beat * INTERVAL_MS + Math.floor((device * INTERVAL_MS) / size);
      made.push(...detector.advance(at));
      if (silent(device, at)) continue;
      const evidence = {
        kind: 'beat',
        deviceClass: 'meter',
        device: `d${device}`,
        generation: 1,
        session: 1,
      } as const;
      made.push(...detector.observe({ ...evidence, seq: beat, site: 's1' }, at).transitions);
    }
  }
  made.push(...detector.advance(untilMs));
  return made;
}

test('a site outage of any length makes no member dead and is one incident', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 40 }),
      fc.integer({ min: 30 * 60_000, max: 5 * HOUR_MS }),
      fc.integer({ min: HOUR_MS, max: HOUR_MS + INTERVAL_MS }),
      (size, outageMs, beginsAt) => {
        const made = runSite(size, 8 * HOUR_MS, (_, at) => at >= beginsAt && at < beginsAt + outageMs);
        assert.deepEqual(
          made.filter(({ to }) => to === 'dead'),
          [],
        );
        const reached = made.filter(({ to, reason }) => to === 'unreachable' && reason === 'group-outage');
        assert.equal(reached.length, size, 'every member, once');
        assert.equal(made.filter(({ from, to }) => from === 'unreachable' && to === 'alive').length, size);
      },
    ),
    { numRuns: 40 },
  );
});

test('one device of a busy site dies at its own deadline', () => {
  const made = runSite(20, 2 * HOUR_MS, (device, at) => device === 7 && at > HOUR_MS);
  const deaths = made.filter(({ to }) => to === 'dead');
  assert.deepEqual(
    deaths.map(({ device }) => device),
    ['d7'],
  );
  const [{ at, deadAt, noticedAt }] = deaths as [Transition];
  assert.equal(at, deadAt);
  assert.ok(noticedAt - at < INTERVAL_MS / 10, 'a fellow that was heard meanwhile clears the site');
});

test('two devices that die together in a site of ten are two deaths, not an outage', () => {
  const made = runSite(10, 2 * HOUR_MS, (device, at) => device < 2 && at > HOUR_MS);
  assert.equal(made.filter(({ to }) => to === 'dead').length, 2);
  assert.equal(made.filter(({ to }) => to === 'unreachable').length, 0);
});

test('a device alone in its site does not wait for fellows', () => {
  const made = runSite(1, 2 * HOUR_MS, (_, at) => at > HOUR_MS);
  const [death] = made.filter(({ to }) => to === 'dead') as [Transition];
  assert.equal(death.at, death.deadAt);
});

test('an outage goes on through a snapshot', () => {
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'missed' }) };
  let detector = new Detector({ classes });
  for (const device of ['a', 'b', 'c', 'd']) {
    const beat = { kind: 'beat', deviceClass: 'meter', device, generation: 1, session: 1, seq: 0 } as const;
    detector.observe({ ...beat, site: 's1' }, 0);
  }
  detector.advance(HOUR_MS);
  detector = Detector.restore({ classes }, detector.snapshot());
  detector.observe({ kind: 'monitor', up: false }, HOUR_MS);
  detector.observe({ kind: 'monitor', up: true }, HOUR_MS + 1_000);
  detector.advance(10 * HOUR_MS);
  const states = [...detector.devices(10 * HOUR_MS)].map(({ state }) => state);
  assert.deepEqual(states, ['unreachable', 'unreachable', 'unreachable', 'unreachable']);
});

test('a device that missed the end of an outage waits for the end of the next one too', () => {
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'missed', missedBeats: 2 }) };
  const detector = new Detector({ classes });
  const made: Transition[] = [];
  const beats = (devices: string, seq: number, at: number): void => {
    made.push(...detector.advance(at));
    for (const device of devices) {
      const beat = { kind: 'beat', deviceClass: 'meter', device, generation: 1, session: 1, seq } as const;
      made.push(...detector.observe({ ...beat, site: 's1' }, at).transitions);
    }
  };
  const wills = (devices: string, at: number): void => {
    for (const device of devices) {
      const will = { kind: 'will', deviceClass: 'meter', device, generation: 1, session: 1 } as const;
      made.push(...detector.observe(will, at).transitions);
    }
  };
  beats('abcdefgx', 0, 0);
  wills('abcdefgx', 1_000);
  assert.equal(detector.device('meter', 'x', 1_000)?.state, 'unreachable');
  // Enough of them are back to end the incident; x has some time to follow.
  beats('abcdefg', 1, 10_000);
  wills('abcdefg', 11_000);
  made.push(...detector.advance(2 * HOUR_MS));
  assert.deepEqual(
    [...detector.devices(2 * HOUR_MS)].map(({ state }) => state),
    Array(8).fill('unreachable'),
  );
  for (const { at, noticedAt } of made) assert.ok(at <= noticedAt, `true at ${at}, noticed at ${noticedAt}`);
  beats('abcdefgx', 2, 2 * HOUR_MS);
  assert.equal(detector.device('meter', 'x', 2 * HOUR_MS)?.state, 'alive');
});

test('a death that was held back is not settled while the monitor is blind', () => {
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'missed', missedBeats: 2 }) };
  const detector = new Detector({ classes });
  const beat = (device: string, seq: number, at: number, nextMs: number) =>
    detector.observe(
      { kind: 'beat', deviceClass: 'meter', device, generation: 1, session: 1, seq, nextMs, site: 's1' },
      at,
    );
  for (const device of 'abc') beat(device, 0, 0, 3 * INTERVAL_MS);
  beat('x', 0, 1_000, INTERVAL_MS);
  const deadAt = detector.device('meter', 'x', 1_000)?.deadAt as number;
  assert.deepEqual(
    detector.advance(deadAt).map(({ to }) => to),
    ['suspect'],
    'x waits for fellows that are due soon',
  );
  detector.observe({ kind: 'monitor', up: false }, deadAt + 1_000);
  // Messages that a broker has kept arrive before the link counts as up.
  assert.deepEqual(
    beat('a', 1, deadAt + 2_000, INTERVAL_MS).transitions.map(({ device }) => device),
    ['a'],
  );
  assert.equal(detector.device('meter', 'x', deadAt + 2_000)?.state, 'unknown');
});

test('a death that waited for a fellow is settled when the fellow says goodbye instead of falling silent', () => {
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS, algorithm: 'missed', missedBeats: 2 }) };
  for (const bye of [{ sleepMs: 20 * HOUR_MS }, { retire: true }]) {
    const detector = new Detector({ classes });
    const about = { deviceClass: 'meter', generation: 1, session: 1 } as const;
    for (const device of 'ab')
      detector.observe({ kind: 'beat', ...about, device, seq: 0, nextMs: 3 * INTERVAL_MS, site: 's1' }, 0);
    detector.observe({ kind: 'beat', ...about, device: 'x', seq: 0, site: 's1' }, 1_000);
    const deadAt = detector.device('meter', 'x', 1_000)?.deadAt as number;
    assert.deepEqual(
      detector.advance(deadAt).map(({ to }) => to),
      ['suspect'],
      'x waits for fellows that are due soon',
    );
    const made = [...'ab'].flatMap(
      (device) => detector.observe({ kind: 'bye', ...about, device, ...bye }, deadAt + 1_000).transitions,
    );
    const death = made.find(({ to }) => to === 'dead');
    assert.deepEqual([death?.device, death?.at, death?.noticedAt], ['x', deadAt, deadAt + 1_000]);
  }
});

test('a fleet of hundreds at many gateways that falls silent bit by bit is one incident with everybody in it', () => {
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS }) };
  const detector = new Detector({ classes });
  const devices = 2000;
  for (let beat = 0; beat < 3 * devices; beat += 1) {
    const device = beat % devices;
    const at = Math.floor((beat * INTERVAL_MS) / devices);
    const place = { gateway: `g${device % 400}`, site: `s${device % 10}` };
    const who = { deviceClass: 'meter', device: `d${device}`, generation: 1, session: 1, ...place };
    detector.advance(at);
    detector.observe({ kind: 'beat', ...who, seq: Math.floor(beat / devices), nextMs: INTERVAL_MS }, at);
  }
  const endsAt = 3 * INTERVAL_MS;
  for (let at = endsAt; at < endsAt + 40 * INTERVAL_MS; at += 1000) detector.advance(at);
  const incidents = detector.incidents().filter(({ mergedInto }) => mergedInto === undefined);
  assert.deepEqual(
    incidents.map(({ kind, missing }) => ({ kind, missing })),
    [{ kind: 'fleet', missing: devices }],
  );
});
