import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blindShift } from './blind-shift.ts';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';

test('a device not due before the end of the blind time keeps its deadlines', () => {
  assert.equal(blindShift(0, 100, 101, 1000), 0);
});

test('a beat that fell into the blind time is expected again within two intervals, for its announcement was lost', () => {
  assert.equal(blindShift(0, 100, 50, 1000), 2000);
});

test('silence before the blind time still counts', () => {
  // Expected at 0, overdue for 50 when we went blind for 30 without another beat being due.
  assert.equal(blindShift(50, 80, 0, 1000), 30);
});

test('no device that beats on dies of any blind time, however long and whenever', () => {
  const minutes = (most: number) => fc.integer({ min: 1, max: most }).map((count) => count * 60_000);
  fc.assert(
    fc.property(
      fc.constantFrom('missed' as const, 'fixed' as const, 'adaptive' as const),
      minutes(180),
      minutes(240),
      fc.integer({ min: 0, max: 6 * 3_600_000 }),
      (algorithm, intervalMs, blindMs, blindAt) => {
        const detector = new Detector({ classes: { meter: classConfig({ intervalMs, algorithm }) } });
        const deaths: unknown[] = [];
        const note = (made: readonly { to: string }[]) =>
          deaths.push(...made.filter(({ to }) => to === 'dead'));
        const until = blindAt + blindMs + 20 * intervalMs;
        const steps: { at: number; act: () => void }[] = [
          {
            at: blindAt,
            act: () => note(detector.observe({ kind: 'monitor', up: false }, blindAt).transitions),
          },
          {
            at: blindAt + blindMs,
            act: () => note(detector.observe({ kind: 'monitor', up: true }, blindAt + blindMs).transitions),
          },
        ];
        for (let seq = 0; seq * intervalMs <= until; seq += 1) {
          const at = seq * intervalMs;
          if (at > blindAt && at < blindAt + blindMs) continue;
          const beat = {
            kind: 'beat',
            deviceClass: 'meter',
            device: 'd',
            generation: 1,
            session: 1,
            seq,
          } as const;
          steps.push({ at, act: () => note(detector.observe(beat, at).transitions) });
        }
        for (const { at, act } of steps.sort((a, b) => a.at - b.at)) {
          note(detector.advance(at));
          act();
        }
        assert.deepEqual(deaths, []);
      },
    ),
  );
});

test('every verdict is true since a whole millisecond, whatever fractions are announced or configured', () => {
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.constantFrom('missed' as const, 'fixed' as const, 'adaptive' as const),
      fc.array(fraction, { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 1, max: 120_000 }),
      (algorithm, [i = 0, n = 0, sleep = 0, interval = 0, reconnect = 0, expire = 0], blindMs) => {
        const detector = new Detector({
          classes: {
            meter: classConfig({
              algorithm,
              intervalMs: 20_000 + interval,
              reconnectMs: 1000 + reconnect,
              maxSilenceMs: 90_000 + interval,
              expireMs: 500_000 + expire,
            }),
          },
        });
        const about = { deviceClass: 'meter', generation: 1, session: 1 } as const;
        const evidence = [
          { kind: 'birth', ...about, device: 'a', intervalMs: 9000 + i },
          { kind: 'beat', ...about, device: 'a', seq: 0, nextMs: 1500 + n },
          { kind: 'beat', ...about, device: 'b', seq: 0, nextMs: 60_000 + n },
          { kind: 'bye', ...about, device: 'b', sleepMs: 5000 + sleep },
          { kind: 'beat', ...about, device: 'c', seq: 0, nextMs: 200_000 + n },
          { kind: 'monitor', up: false },
        ] as const;
        const made = evidence.flatMap((one) => detector.observe(one, 1000).transitions);
        made.push(...detector.observe({ kind: 'monitor', up: true }, 1000 + blindMs).transitions);
        made.push(...detector.observe({ kind: 'will', ...about, device: 'c' }, 1000 + blindMs).transitions);
        made.push(...detector.advance(10_000_000));
        assert.deepEqual(
          made.filter(({ at }) => !Number.isSafeInteger(at)),
          [],
        );
        assert.equal(made.filter(({ to }) => to === 'retired').length, 3);
      },
    ),
  );
});

test('a device that reconnects unheard is not dead because of the will that was heard before', () => {
  const detector = new Detector({ classes: { meter: classConfig({ intervalMs: 3_600_000 }) } });
  const who = { deviceClass: 'meter', device: 'd1', generation: 1, session: 1 };
  const minute = 60_000;
  for (let seq = 0; seq < 30; seq += 1) {
    detector.observe({ kind: 'beat', ...who, seq, nextMs: 60 * minute }, seq * 60 * minute);
  }
  const at = 29 * 60 * minute;
  detector.observe({ kind: 'will', ...who }, at + minute);
  detector.observe({ kind: 'monitor', up: false }, at + 2 * minute);
  detector.observe({ kind: 'monitor', up: true }, at + 12 * minute);
  detector.advance(at + 59 * minute);
  assert.notEqual(detector.device('meter', 'd1', at + 59 * minute)?.state, 'dead');
});

test('a device that sleeps now and then may have said so unheard, and has until its class would wake', () => {
  const classes = { meter: classConfig({ intervalMs: 60_000 }) };
  const hour = 3_600_000;
  const lifeOf = (device: string, sleeper: boolean): string[] => {
    let detector = new Detector({ classes });
    const made: string[] = [];
    const note = (transitions: readonly { to: string }[]) => made.push(...transitions.map(({ to }) => to));
    const who = { deviceClass: 'meter', device, generation: 1, session: 1 };
    let seq = 0;
    let at = 0;
    for (; at < 2 * hour; at += 60_000)
      detector.observe({ kind: 'beat', ...who, seq: seq++, nextMs: 60_000 }, at);
    if (sleeper) detector.observe({ kind: 'bye', ...who, sleepMs: 6 * hour }, at);
    else detector.observe({ kind: 'beat', ...who, seq: seq++, nextMs: 6 * hour }, at);
    for (at += 6 * hour; at < 10 * hour; at += 60_000) {
      detector.observe({ kind: 'beat', ...who, seq: seq++, nextMs: 60_000 }, at);
    }
    // What it does next falls into blind time, before which what was learned is put down.
    detector = Detector.restore({ classes }, detector.snapshot());
    note(detector.observe({ kind: 'monitor', up: false }, at).transitions);
    note(detector.observe({ kind: 'monitor', up: true }, at + hour).transitions);
    for (let now = at + hour; now <= at + 7 * hour; now += 60_000) note(detector.advance(now));
    return made;
  };
  assert.ok(!lifeOf('sleeper', true).includes('dead'));
  assert.ok(lifeOf('other', false).includes('dead'));
});
