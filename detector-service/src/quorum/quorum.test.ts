import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, stateTopic } from '@slowbeat/device-sdk/protocol';
import fc from 'fast-check';
import type { State } from '../detector/index.ts';
import { type MonitorVerdict, quorum } from './quorum.ts';
import { QuorumWatch } from './quorum-watch.ts';

const says = (...states: State[]): MonitorVerdict[] =>
  states.map((state, i) => ({ monitor: `m${i}`, state, at: 1000 + 10 * i, phi: i + 1 }));

test('whoever hears a device outvotes all others', () => {
  assert.equal(quorum(says('dead', 'dead', 'alive')).state, 'alive');
  assert.equal(quorum(says('dead', 'asleep', 'suspect')).state, 'asleep');
});

test('a death takes a majority of those that can hear, and is true since they agreed', () => {
  assert.equal(quorum(says('dead', 'suspect', 'suspect')).state, 'suspect');
  assert.equal(quorum(says('dead', 'suspect')).state, 'suspect');
  const { state, at, agreeing, hearing } = quorum(says('dead', 'dead', 'suspect', 'unknown'));
  assert.deepEqual([state, at, agreeing, hearing], ['dead', 1010, ['m0', 'm1'], 3]);
});

test('a blind monitor has no vote, and without any other nothing is known', () => {
  assert.equal(quorum(says('dead', 'unknown')).state, 'dead');
  assert.equal(quorum(says('unknown', 'unknown')).state, 'unknown');
  assert.equal(quorum([]).state, 'unknown');
});

test('the suspicion is that of the least suspicious', () => {
  assert.equal(quorum(says('suspect', 'suspect')).phi, 1);
});

test('never dead while a monitor that can hear calls it alive, and never by a minority', () => {
  const state = fc.constantFrom<State>('unknown', 'alive', 'suspect', 'dead', 'asleep', 'unreachable');
  fc.assert(
    fc.property(fc.array(state, { maxLength: 7 }), (states) => {
      const verdict = quorum(says(...states));
      const hearing = states.filter((s) => s !== 'unknown');
      const dead = hearing.filter((s) => s === 'dead').length;
      if (verdict.state === 'dead') assert.ok(2 * dead > hearing.length && !states.includes('alive'));
      if (states.includes('alive')) assert.equal(verdict.state, 'alive');
    }),
  );
});

test('verdicts on topics of their own become one, told when it changes and removed with the last of them', () => {
  const watch = new QuorumWatch({ root: 'hb/v1', monitors: ['a', 'b'] });
  const tell = (monitor: string, state: State, at: number) =>
    watch.hear(stateTopic('hb/v1', 'meter', 'd1', monitor), encode('state', { state, at, reason: 'heard' }));
  const read = (told: ReturnType<typeof tell>) => {
    const decoded = told && decode('state', told.payload);
    return decoded?.ok ? [told?.topic, decoded.message.state, decoded.message.at] : told;
  };
  const joint = 'hb/v1/meter/d1/state';
  assert.deepEqual(read(tell('a', 'alive', 1)), [joint, 'alive', 1]);
  assert.equal(tell('b', 'alive', 2), undefined);
  assert.deepEqual(read(tell('a', 'dead', 5)), [joint, 'alive', 2]);
  assert.deepEqual(read(tell('b', 'dead', 7)), [joint, 'dead', 7]);
  assert.equal(tell('stranger', 'alive', 8), undefined);
  assert.equal(watch.hear(joint, encode('state', { state: 'alive', at: 9, reason: 'heard' })), undefined);
  assert.equal(watch.hear(stateTopic('hb/v1', 'meter', 'd1', 'a'), Buffer.from('{')), undefined);
  watch.hear(stateTopic('hb/v1', 'meter', 'd1', 'a'), Buffer.alloc(0));
  assert.deepEqual(watch.hear(stateTopic('hb/v1', 'meter', 'd1', 'b'), Buffer.alloc(0)), {
    topic: joint,
    payload: new Uint8Array(0),
  });
});
