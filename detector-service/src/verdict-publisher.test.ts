import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '@slowbeat/device-sdk';
import { VerdictPublisher } from './verdict-publisher.ts';

/** A link whose acknowledgements are given by hand. */
function handMadeLink(inFlightMax?: number) {
  const sent: { text: string; acknowledge: () => void; refuse: () => void }[] = [];
  const timers: (() => void)[] = [];
  const failures: string[] = [];
  const clock: Clock = {
    now: () => 0,
    epochMs: () => 0,
    setTimer(_delayMs, fire) {
      timers.push(fire);
      return { cancel: () => void timers.splice(timers.indexOf(fire), 1) };
    },
  };
  const publisher = new VerdictPublisher({
    clock,
    ...(inFlightMax !== undefined && { inFlightMax }),
    onFailure: (topic) => failures.push(topic),
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        const text = `${topic}=${Buffer.from(payload)}`;
        sent.push({ text, acknowledge: resolve, refuse: () => reject(new Error('gone')) });
      }),
  });
  const put = (topic: string, text: string): void => publisher.put(topic, () => Buffer.from(text));
  return { publisher, put, sent, timers, failures, texts: () => sent.map(({ text }) => text) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the publisher of verdicts', () => {
  it('keeps only the latest verdict per device while the link is down', () => {
    const { publisher, put, texts } = handMadeLink();
    put('a', 'suspect');
    put('b', 'suspect');
    put('a', 'dead');
    assert.deepEqual([texts(), publisher.waiting], [[], 2]);
    publisher.open = true;
    assert.deepEqual(texts(), ['a=dead', 'b=suspect']);
  });

  it('sends the next verdict about a device only after the last one was acknowledged', async () => {
    const { publisher, put, sent, texts } = handMadeLink();
    publisher.open = true;
    put('a', 'suspect');
    put('a', 'dead');
    put('a', 'alive');
    assert.deepEqual(texts(), ['a=suspect']);
    sent[0]?.acknowledge();
    await settled();
    assert.deepEqual(texts(), ['a=suspect', 'a=alive']);
  });

  it('has a bounded number of messages on their way', async () => {
    const { publisher, put, sent, texts } = handMadeLink(2);
    publisher.open = true;
    for (const topic of ['a', 'b', 'c']) put(topic, 'dead');
    assert.deepEqual(texts(), ['a=dead', 'b=dead']);
    sent[1]?.acknowledge();
    await settled();
    assert.equal(texts().at(-1), 'c=dead');
  });

  it('sends again after a failure, unless something newer is known by then', async () => {
    const { publisher, put, sent, timers, failures, texts } = handMadeLink();
    publisher.open = true;
    put('a', 'suspect');
    put('b', 'dead');
    put('a', 'dead');
    sent[0]?.refuse();
    sent[1]?.refuse();
    await settled();
    assert.deepEqual(failures, ['a', 'b']);
    assert.equal(timers.length, 1, 'one wait for both');
    timers[0]?.();
    assert.deepEqual(texts().slice(2), ['a=dead', 'b=dead']);
  });

  it('is drained once everything is acknowledged, and does not wait for a link that is down', async () => {
    const { publisher, put, sent } = handMadeLink();
    put('a', 'dead');
    await publisher.drained();
    publisher.open = true;
    const drained = publisher.drained();
    sent[0]?.acknowledge();
    await drained;
    assert.deepEqual([publisher.waiting, publisher.published], [0, 1]);
  });
});
