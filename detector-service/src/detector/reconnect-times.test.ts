import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classConfig } from './class-config.ts';
import { Detector } from './detector.ts';
import { ReconnectTimes } from './reconnect-times.ts';
import { dice } from './site-world.test.support.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
const START_MS = 150_000;

/** A hundred devices, each with so many wills a day, watched until there were `returns` of them. */
function learned(returns: number, willsPerDay: number, timeMs: (u: number) => number): ReconnectTimes {
  const times = new ReconnectTimes(START_MS, 1);
  const random = dice(7);
  for (let i = 0; i < returns; i += 1) {
    times.watched(DAY_MS / willsPerDay);
    times.learn(timeMs(random()));
  }
  return times;
}

test('until times are known, the setting rules', () => {
  assert.equal(new ReconnectTimes(START_MS, 1).deadlineMs, START_MS);
  assert.equal(learned(10, 1, () => 3000).deadlineMs, START_MS);
});

test('the deadline spends no more than the budget on wills, and is far shorter than the setting where it can be', () => {
  const laws: [string, (u: number) => number, (ms: number) => number, number][] = [
    [
      'three to six seconds',
      (u) => 3000 + 3000 * u,
      (ms) => Math.min(1, Math.max(0, (6000 - ms) / 3000)),
      60_000,
    ],
    ['exponential, 5 s', (u) => -5000 * Math.log(1 - u), (ms) => Math.exp(-ms / 5000), START_MS],
    [
      'Pareto of shape 2 from 2 s',
      (u) => 2000 * (1 - u) ** -0.5,
      (ms) => Math.min(1, (ms / 2000) ** -2),
      Infinity,
    ],
  ];
  for (const [name, timeMs, laterThan, most] of laws) {
    for (const willsPerDay of [0.1, 1, 24]) {
      const { deadlineMs } = learned(3000, willsPerDay, timeMs);
      const mistakes = willsPerDay * 365.25 * laterThan(deadlineMs);
      assert.ok(
        mistakes <= 1,
        `${name}, ${willsPerDay} a day: ${mistakes} mistakes a year at ${deadlineMs} ms`,
      );
      assert.ok(deadlineMs < most, `${name}, ${willsPerDay} a day: ${deadlineMs} ms`);
    }
  }
});

test('where wills of live devices are rare, a will is nearly a death, and the floor rules', () => {
  const times = learned(30, 1, () => 30_000);
  times.watched(1e6 * YEAR_MS);
  assert.equal(times.deadlineMs, 2000);
});

test('a class that reconnects within seconds has its dead found within the learned time, through a snapshot too', () => {
  const classes = { meter: classConfig({ intervalMs: 3_600_000, falseAlarmsPerDeviceYear: 12 }) };
  let detector = new Detector({ classes });
  const about = (device: number, session: number) =>
    ({ device: `d${device}`, deviceClass: 'meter', generation: 1, session }) as const;
  let at = 0;
  const sessions = 300;
  for (let session = 1; session <= sessions; session += 1) {
    for (let device = 0; device < 3; device += 1) {
      detector.observe({ kind: 'birth', ...about(device, session) }, at);
      detector.observe({ kind: 'beat', ...about(device, session), seq: session }, at + 1);
    }
    for (let device = 0; device < 3 && session < sessions; device += 1) {
      detector.observe({ kind: 'will', ...about(device, session) }, at + 3_595_000 + device * 200);
    }
    at += 3_600_000;
  }
  const { reconnectMs, returns } = detector.explain('meter', 'd0', at) ?? {};
  assert.equal(returns, 3 * (sessions - 1));
  assert.ok((reconnectMs as number) > 5000 && (reconnectMs as number) < 60_000, `${reconnectMs} ms`);
  detector = Detector.restore({ classes }, detector.snapshot());
  assert.equal(detector.explain('meter', 'd0', at)?.reconnectMs, reconnectMs);
  const diedAt = at - 3_000_000;
  detector.observe({ kind: 'will', ...about(0, sessions) }, diedAt);
  const [death] = detector.advance(at - 60_000);
  assert.deepEqual(
    [death?.to, death?.reason, death?.at],
    ['dead', 'reconnect-timeout', diedAt + (reconnectMs as number)],
  );
});

test('a reboot, blind time and an outage teach nothing about reconnecting', () => {
  const classes = { meter: classConfig({ intervalMs: 60_000 }) };
  const detector = new Detector({ classes });
  const about = { device: 'd', deviceClass: 'meter' } as const;
  detector.observe({ kind: 'birth', ...about, generation: 1, session: 1 }, 0);
  detector.observe({ kind: 'will', ...about, generation: 1, session: 1 }, 1000);
  detector.observe({ kind: 'birth', ...about, generation: 2, session: 1 }, 5000);
  detector.observe({ kind: 'will', ...about, generation: 2, session: 1 }, 6000);
  detector.observe({ kind: 'monitor', up: false }, 7000);
  detector.observe({ kind: 'monitor', up: true }, 20_000);
  detector.observe({ kind: 'birth', ...about, generation: 2, session: 2 }, 21_000);
  assert.equal(detector.explain('meter', 'd', 21_000)?.returns, 0);
});
