import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LINK_QUALITIES, type LinkQuality } from '../link-quality.ts';
import { seeded } from '../random.ts';
import { Weather } from './weather.ts';

const N = 20_000;

function weather(changes: Partial<LinkQuality>, seed = 1): Weather {
  return new Weather({ ...LINK_QUALITIES.lan, ...changes }, seeded(seed));
}

/** Share of packets lost, one per second. */
function lost(one: Weather, from = 0): boolean[] {
  return Array.from({ length: N }, (_, i) => one.loses(1000 * (from + i)));
}

const share = (all: readonly boolean[]): number => all.filter(Boolean).length / all.length;

describe('the weather of a link', () => {
  it('loses packets one by one at its rate', () => {
    // Five standard deviations of 20,000 draws at 0.2 are 0.014.
    assert.ok(Math.abs(share(lost(weather({ loss: 0.2 }))) - 0.2) < 0.014);
  });

  for (const shape of [undefined, 2.5]) {
    it(`loses packets in bursts of their mean length, ${shape === undefined ? 'exponential' : 'Pareto'}`, () => {
      const bursts = { everyMs: 90_000, forMs: 10_000, loss: 1, shape };
      const losses = lost(weather({ bursts }));
      assert.ok(Math.abs(share(losses) - 0.1) < 0.02, `${share(losses)}`);
      const runs = losses.filter((one, i) => one && losses[i - 1] !== true).length;
      assert.ok(Math.abs(runs - N / 100) < 60, `${runs} bursts`);
    });
  }

  it('delays around its median, and some packets for far longer', () => {
    const one = weather({ delayMs: 100, spread: 0.5, slow: { chance: 0.05, shape: 1.1 } });
    const delays = Array.from({ length: N }, () => one.drawDelayMs()).sort((a, b) => a - b);
    assert.ok(delays.every(Number.isInteger));
    const median = delays[N / 2] as number;
    assert.ok(median > 95 && median < 112, `${median}`);
    assert.ok((delays.at(-1) as number) > 5_000 && (delays.at(-1) as number) <= 3_600_000);
  });

  it('is the same for the same seed, and another for another', () => {
    const quality = { loss: 0.3, bursts: { everyMs: 60_000, forMs: 5_000, loss: 0.9 } };
    assert.deepEqual(lost(weather(quality, 7)), lost(weather(quality, 7)));
    assert.notDeepEqual(lost(weather(quality, 7)), lost(weather(quality, 8)));
  });
});
