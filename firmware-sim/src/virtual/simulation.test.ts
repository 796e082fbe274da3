/**
 * Many seeds through stories full of faults. While faults last, nothing may be said that is not so; when they are
 * over, everybody who lives must be known to live.
 *
 * `SIM_SEEDS=200` plays so many seeds of each story instead of the few that every test run can afford.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseScenario } from '../scenario.ts';
import { builtinScenario } from '../scenarios/index.ts';
import { Referee } from './referee.test.support.ts';

const HOUR = 3_600_000;
const SEEDS = Number(process.env.SIM_SEEDS ?? 3);

interface Game {
  readonly story: string;
  readonly requirement: string;
  /** How long a death may be held back while its group could still explain it. */
  readonly heldMs?: number;
  /** Live devices with a working link that may be called dead: twice the budget of a false alarm a year, and luck. */
  readonly falseDeathsMax: number;
  /** Live devices whose link was down that may be called dead; any number when not told. */
  readonly falseDeathsBehindDeadLinksMax?: number;
  /** Deaths that must be found; most are reboots, or over before their deadline. */
  readonly foundMin?: number;
}

const GAMES: readonly Game[] = [
  {
    story: 'blind-hours',
    requirement: 'broker restarts and blind hours kill nobody',
    falseDeathsMax: 0,
    falseDeathsBehindDeadLinksMax: 0,
  },
  {
    story: 'partitions',
    requirement:
      'partitions of a gateway, a site, half the fleet and all of it, one way or both, kill nobody who can be heard',
    heldMs: HOUR,
    falseDeathsMax: 0,
    // Half a fleet without a place in common is no group: when its wills come, some of it may be called dead.
    falseDeathsBehindDeadLinksMax: 6,
  },
  {
    story: 'stormy-day',
    requirement: 'half-open connections, takeovers, hangs and sleepers under all of that',
    heldMs: HOUR,
    // Who says that it sleeps while the monitor is blind is not heard to say so.
    falseDeathsMax: 16,
    foundMin: 5,
  },
  {
    story: 'gateway-outages',
    requirement: 'gateways and sites that fall silent for hours behind a lossy radio',
    heldMs: HOUR,
    falseDeathsMax: 6,
    foundMin: 1,
  },
  {
    story: 'lpwan-week',
    requirement: 'a radio that loses, delays and doubles, and clocks that drift',
    heldMs: 12 * HOUR,
    // 3.8 device-years.
    falseDeathsMax: 22,
    foundMin: 30,
  },
  {
    story: 'meters-month',
    requirement: 'a beat a day, clocks that leap, and sites that are cut off for a day',
    heldMs: 48 * HOUR,
    // 16 device-years.
    falseDeathsMax: 60,
    foundMin: 30,
  },
];

describe('simulated fleets', () => {
  for (const game of GAMES) {
    it(`${game.story}: ${game.requirement}`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) play(game, seed);
    });
  }
});

function play({ story, heldMs, ...game }: Game, seed: number): void {
  const again = `seed ${seed}: slowbeat sim virtual ${story} --seed ${seed}`;
  const referee = new Referee(parseScenario(builtinScenario(story)), { seed, heldMs });
  const objections = referee.judge();
  assert.deepEqual(objections.slice(0, 5), [], `${again}\n${objections.length} objections`);
  const { falseDeaths, deaths } = referee.run.evaluate();
  const tell = (what: readonly unknown[]): string => `${again}\n${JSON.stringify(what, null, 1)}`;
  const own = falseDeaths.filter(({ linkDown }) => !linkDown);
  assert.ok(own.length <= game.falseDeathsMax, tell(own));
  const behind = falseDeaths.filter(({ linkDown }) => linkDown);
  assert.ok(behind.length <= (game.falseDeathsBehindDeadLinksMax ?? Infinity), tell(behind));
  const found = deaths.filter(({ outcome }) => outcome === 'detected');
  assert.ok(found.length >= (game.foundMin ?? 0), tell(deaths));
}
