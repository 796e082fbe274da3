/** Worlds in which sites go out: one incident each, nobody called dead for it, and whoever died in it found out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice, happen, nameOf, type Outage, type World } from './site-world.test.support.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365.25 * 24 * HOUR_MS;
/** Beats that each device has been heard for before anything happens. */
const WARM_BEATS = 60;
/** Devices at other sites, which talk all the time. */
const OTHERS = 20;

interface Case {
  readonly seed: number;
  readonly intervalMs: number;
  readonly size: number;
  readonly loss: number;
  readonly durationMs: number;
  readonly fromMs: number;
  readonly world: World;
  readonly out: Outage;
}

/** Sizes, intervals, losses and durations, each with each, as far as the outage is long enough to be seen. */
const CASES: readonly Case[] = [30_000, MINUTE_MS, 15 * MINUTE_MS, HOUR_MS].flatMap((intervalMs) =>
  [3, 5, 10, 40, 300].flatMap((size) =>
    [0, 0.05, 0.3].flatMap((loss) =>
      [30 * MINUTE_MS, 5 * HOUR_MS]
        .filter((durationMs) => {
          const beats = (size * (WARM_BEATS * intervalMs + 3 * durationMs)) / intervalMs;
          return durationMs >= (loss < 0.3 ? 5 : 10) * intervalMs && beats < 25_000;
        })
        .map((durationMs) => caseOf(intervalMs, size, loss, durationMs)),
    ),
  ),
);

function caseOf(intervalMs: number, size: number, loss: number, durationMs: number): Case {
  const seed = Math.round(intervalMs / 1000 + 7 * size + 1000 * loss + durationMs / MINUTE_MS);
  const fromMs = WARM_BEATS * intervalMs + Math.floor(dice(seed)() * intervalMs);
  const out: Outage = { fromMs, untilMs: fromMs + durationMs, hits: (device) => device < size };
  const world: World = {
    seed,
    devices: size + OTHERS,
    untilMs: out.untilMs + Math.max(2 * HOUR_MS, 40 * intervalMs),
    intervalMs: () => intervalMs,
    loss: () => loss,
    place: (device) => ({ site: device < size ? 'out' : `other-${device % 4}` }),
    outages: [out],
  };
  return { seed, intervalMs, size, loss, durationMs, fromMs, world, out };
}

/** Lets it happen, and holds it to its truth: as many incidents, no death but those that were, all of them found. */
function judge(name: string, incidents: number, worldOf: (one: Case) => World, cases = CASES): void {
  test(name, () => {
    for (const one of cases) {
      const world = worldOf(one);
      const { transitions, incidents: told, states } = happen(world);
      const deaths = world.deaths ?? new Map<number, number>();
      const { seed, intervalMs, size, loss, durationMs } = one;
      const about = `seed ${seed}: ${size} devices every ${intervalMs} ms, loss ${loss}, out for ${durationMs} ms`;
      const diedAt = new Map([...deaths].map(([device, at]) => [nameOf(device), at]));
      const mistaken = transitions.filter(
        ({ to, at, noticedAt, device }) =>
          to === 'dead' && noticedAt >= one.fromMs && !((diedAt.get(device) ?? Infinity) <= at),
      );
      // A fleet makes the mistakes that its budget allows, and chance a few more or less.
      const expected = (world.devices * (world.untilMs - one.fromMs)) / YEAR_MS;
      const allowed = 1 + expected + 2 * Math.sqrt(expected);
      assert.ok(mistaken.length <= allowed, `nobody is called dead who lives; ${about}`);
      const own = told.filter(({ mergedInto }) => mergedInto === undefined);
      assert.equal(own.length, incidents, `${about}; incidents ${JSON.stringify(told)}`);
      for (const device of diedAt.keys())
        assert.equal(states.get(device), 'dead', `${device} died; ${about}`);
      for (const incident of own) assert.ok(incident.endedAt !== undefined, `it is over; ${about}`);
    }
  });
}

/** One in ten dies, the others live. */
function deathsIn({ seed, size, fromMs, durationMs }: Case): Map<number, number> {
  const random = dice(seed + 1);
  const dying = Array.from({ length: Math.max(1, Math.floor(size / 10)) }, (_, device) => device);
  return new Map(dying.map((device) => [device, fromMs + Math.floor(random() * durationMs)]));
}

const gateways =
  ({ size }: Case) =>
  (device: number) =>
    device < size ? { site: 'out', gateway: `gw-${device % 3}` } : { site: `other-${device % 4}` };

judge('a site outage is one incident and no death', 1, ({ world }) => world);

judge('who dies in a site outage is dead after it', 1, (one) => ({ ...one.world, deaths: deathsIn(one) }));

judge(
  'silence that spreads over an interval is one incident and no death',
  1,
  ({ world, out, intervalMs }) => ({
    ...world,
    outages: [{ ...out, staggerMs: intervalMs }],
  }),
  // Of hourly beats a punctual device may miss one: the first are dead before anybody can know that others follow.
  CASES.filter(({ intervalMs }) => intervalMs < HOUR_MS),
);

judge('members that come back one by one are waited for', 1, ({ world, out }) => ({
  ...world,
  outages: [{ ...out, returnMs: 20 * MINUTE_MS }],
}));

judge('a site with gateways that goes out as a whole is one incident', 1, (one) => ({
  ...one.world,
  place: gateways(one),
}));

judge('two sites that go out together are two incidents', 2, ({ world, out, size, fromMs }) => ({
  ...world,
  devices: 4 * size + OTHERS,
  place: (device) => ({ site: device < 4 * size ? `site-${device % 4}` : `other-${device % 4}` }),
  outages: [0, 1].map((site) => ({
    ...out,
    fromMs: fromMs + site * 5 * MINUTE_MS,
    hits: (device) => device < 4 * size && device % 4 === site,
  })),
}));

judge('devices that die by themselves in sites that talk are dead, and no incident', 0, (one) => ({
  ...one.world,
  outages: [],
  deaths: one.size < 40 ? new Map([[0, one.fromMs]]) : deathsIn(one),
}));

judge('blind time is no incident and no death', 0, ({ world, out }) => ({
  ...world,
  outages: [],
  blind: [out],
}));

test('half of a fleet without places that is cut off is one incident, though members of it are heard', () => {
  for (const size of [20, 40, 200]) {
    const [one] = CASES.filter(
      ({ intervalMs, loss, size: s }) => intervalMs === MINUTE_MS && loss === 0.05 && s === 40,
    );
    const { world, out } = one as Case;
    const { transitions, incidents } = happen({
      ...world,
      devices: size,
      place: () => ({}),
      // Two of those that were cut off find another way at once.
      outages: [
        { ...out, hits: (device) => device % 2 === 0 && device >= 4 },
        { ...out, untilMs: out.fromMs + 5 * MINUTE_MS, hits: (device) => device === 0 || device === 2 },
      ],
    });
    assert.deepEqual(
      transitions.filter(({ to }) => to === 'dead'),
      [],
    );
    assert.equal(incidents.length, 1, JSON.stringify(incidents));
  }
});

test('one gateway of a site is an incident of the gateway', () => {
  for (const one of CASES.filter(({ size }) => size >= 40)) {
    const { transitions, incidents } = happen({
      ...one.world,
      place: gateways(one),
      outages: [{ ...one.out, hits: (device) => device < one.size && device % 3 === 0 }],
    });
    assert.deepEqual(
      transitions.filter(({ to, noticedAt }) => to === 'dead' && noticedAt >= one.fromMs),
      [],
    );
    assert.deepEqual(
      incidents.map(({ kind, place }) => [kind, place]),
      [['gateway', 'gw-0']],
      `seed ${one.seed}`,
    );
  }
});
