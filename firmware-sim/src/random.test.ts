import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from './random.ts';

const take = (count: number, next: () => number) => Array.from({ length: count }, next);

test('the same seed and name give the same stream', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(), fc.string()), fc.string(), (seed, name) => {
      const once = take(20, seeded(seed).split(name).next);
      assert.deepEqual(take(20, seeded(seed).split(name).next), once);
    }),
  );
});

test('a stream does not depend on what was drawn or split before it', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 50 }), (seed, drawn) => {
      const used = seeded(seed);
      take(drawn, used.next);
      used.split('another').next();
      assert.deepEqual(take(20, used.split('meter/3').next), take(20, seeded(seed).split('meter/3').next));
    }),
  );
});

test('neighbouring seeds and names give streams that have nothing in common', () => {
  const streams = [
    ...take(50, () => 0).map((_, i) => seeded(i)),
    ...take(50, () => 0).map((_, i) => seeded(7).split(`meter/${i}`)),
  ];
  const firsts = streams.map((random) => random.next());
  assert.equal(new Set(firsts).size, streams.length);
  const mean = firsts.reduce((sum, x) => sum + x, 0) / firsts.length;
  assert.ok(Math.abs(mean - 0.5) < 0.1, `mean of the first draws: ${mean}`);
});

test('draws fill their ranges evenly', () => {
  const random = seeded('even');
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const x = random.next();
    assert.ok(x >= 0 && x < 1);
    buckets[Math.floor(x * 10)] = (buckets[Math.floor(x * 10)] ?? 0) + 1;
  }
  // Standard deviation of a bucket is 95; five of them is one chance in a million.
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 475, `bucket holds ${count}`);
});

test('exponential waits have the stated mean and forget how long one has waited', () => {
  const random = seeded(1);
  const waits = take(100_000, () => random.exponential(40));
  const mean = waits.reduce((sum, x) => sum + x, 0) / waits.length;
  assert.ok(Math.abs(mean - 40) < 0.7, `mean ${mean}`);
  const longer = waits.filter((wait) => wait > 40);
  const meanBeyond = longer.reduce((sum, x) => sum + x - 40, 0) / longer.length;
  assert.ok(Math.abs(meanBeyond - 40) < 1.1, `mean beyond 40: ${meanBeyond}`);
});
