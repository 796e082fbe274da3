/** A safety phase in which the network fails at random, then a liveness phase in which it works again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { beats, MINUTE, named, said, sequence, type World, world } from './test-support/world.ts';

const RECONNECT_MS_MAX = 2 * MINUTE;
const INTERVAL_MS_MAX = 30 * MINUTE;
const JITTER = 0.3;

type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' | 'beatNow' | 'ping' }
  | { readonly do: 'reachable' | 'accepting' | 'acknowledging'; readonly on: boolean }
  | { readonly do: 'setInterval' | 'latency'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: 0, max: 40 * MINUTE }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: 0, max: 50 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut', 'beatNow', 'ping') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('reachable', 'accepting', 'acknowledging'),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setInterval'),
      ms: fc.integer({ min: 1_000, max: INTERVAL_MS_MAX }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('latency'), ms: fc.integer({ min: 0, max: 5_000 }) }) },
) as fc.Arbitrary<Step>;

function take({ clock, network, device }: World, each: Step): void {
  if (each.do === 'wait') clock.advance(each.ms);
  else if (each.do === 'cut') network.cutAll();
  else if (each.do === 'beatNow') device.beatNow();
  else if (each.do === 'ping') network.publish('hb/v1/meter/d1/ping', new Uint8Array());
  else if (each.do === 'setInterval') device.setInterval(each.ms);
  else if (each.do === 'latency') network.latencyMs = each.ms;
  else if (each.do === 'reachable') network.reachable = each.on;
  else if (each.do === 'acknowledging') network.acknowledges = each.on;
  else if (each.do === 'accepting') network.refusal = each.on ? undefined : new Error('down');
}

function assertSound({ network, events }: World): void {
  const sent = beats(network);
  sent.forEach((beat, index) => {
    const before = sent[index - 1];
    if (before === undefined) return;
    assert.ok((beat.seq ?? 0) > (before.seq ?? 0), 'seq only grows: nothing is sent again or late');
    assert.ok((beat.session ?? 0) >= (before.session ?? 0), 'sessions only grow');
  });
  const outcomes = events.all.filter(({ name }) => name === 'beat' || name === 'missed') as { seq: number }[];
  const numbers = outcomes.map(({ seq }) => seq).sort((a, b) => a - b);
  assert.deepEqual(numbers, [...numbers.keys()], 'each planned beat has exactly one outcome');
  const lostInAll = named(events, 'missed').length;
  for (const { missed = 0 } of sent) assert.ok(missed <= lostInAll);
}

/** Every run of beats in one session keeps the announced times, unless one was asked for in between. */
function assertPunctual({ network }: World): void {
  const sent = beats(network);
  sent.forEach((beat, index) => {
    const before = sent[index - 1];
    if (before?.session !== beat.session || before?.nextMs === undefined) return;
    assert.equal(beat.at - before.at, before.nextMs);
  });
}

const options = fc.record({
  connection: fc.constantFrom('persistent', 'per-beat' as const),
  qos: fc.constantFrom(0 as const, 1 as const),
  encoding: fc.constantFrom('json', 'cbor' as const),
  seed: fc.nat(),
});

function chaotic({
  seed,
  ...chosen
}: {
  connection: 'persistent' | 'per-beat';
  qos: 0 | 1;
  seed: number;
}): World {
  return world({
    ...chosen,
    random: sequence(seed),
    jitter: JITTER,
    connectTimeout: '20s',
    ackTimeout: '20s',
    reconnect: { minMs: '1s', maxMs: RECONNECT_MS_MAX },
  });
}

describe('a device in a network that fails at random', () => {
  it('keeps its numbers in order, and beats again when the network does', async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 60 }), async (chosen, steps) => {
        const w = chaotic(chosen);
        w.device.start();
        for (const each of steps) take(w, each);

        for (const on of ['reachable', 'acknowledging', 'accepting'] as const) take(w, { do: on, on: true });
        take(w, { do: 'latency', ms: 10 });
        const healedWith = named(w.events, 'beat').length;
        w.clock.advance(INTERVAL_MS_MAX * (1 + JITTER) + 2 * RECONNECT_MS_MAX);
        assert.ok(named(w.events, 'beat').length > healedWith, 'alive again');

        const stopping = w.device.stop({ sleepFor: '1h' });
        w.clock.advance(20_000);
        await stopping;
        assertSound(w);
        assert.equal(said(w.network, 'bye').length, 1);
        assert.deepEqual(w.events.all.at(-1), { name: 'stopped', byeAcknowledged: true });
        assert.equal(w.clock.pending, 0, 'no timer is left behind');
      }),
      { numRuns: 300 },
    );
  });

  it('always stops in time, in whatever state it is, and is silent afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(step, { maxLength: 30 }),
        fc.array(step, { maxLength: 10 }),
        async (chosen, steps, after) => {
          const w = chaotic(chosen);
          w.device.start();
          for (const each of steps) take(w, each);
          const stopping = w.device.stop({ timeout: '7s' });
          w.clock.advance(7_000);
          await stopping;
          assert.equal(named(w.events, 'stopped').length, 1);
          const toldSoFar = w.events.all.length;
          for (const each of after) take(w, each);
          w.clock.advance(MINUTE);
          assert.equal(w.events.all.length, toldSoFar);
          assert.equal(w.clock.pending, 0, 'no timer is left behind');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps the times it announced, whatever happens between sessions', () => {
    const disruptions = fc.array(
      step.filter((each) => each.do !== 'beatNow' && each.do !== 'latency'),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.nat(), disruptions, (seed, steps) => {
        const w = chaotic({ connection: 'persistent', qos: 1, seed });
        w.device.start();
        for (const each of steps) take(w, each);
        assertPunctual(w);
      }),
      { numRuns: 300 },
    );
  });
});
