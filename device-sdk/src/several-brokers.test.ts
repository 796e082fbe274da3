import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokerUrls, firstThatAccepts } from './several-brokers.ts';
import { MemoryNetwork } from './test-support/memory-network.ts';
import { Line } from './test-support/transport-contract.ts';
import { VirtualClock } from './test-support/virtual-clock.ts';

function threeBrokers() {
  const clock = new VirtualClock();
  const brokers = [1, 2, 3].map(() => new MemoryNetwork(clock));
  const [first, second, third] = brokers as [MemoryNetwork, MemoryNetwork, MemoryNetwork];
  const transport = firstThatAccepts(brokers);
  const asked = () => brokers.map(({ connectedAt }) => connectedAt.length);
  return { clock, first, second, third, transport, asked };
}

const GONE = new Error('connect ECONNREFUSED');

describe('several brokers', () => {
  it('are asked in turn within one attempt, until one accepts', () => {
    const { clock, first, second, transport, asked } = threeBrokers();
    first.refusal = GONE;
    second.refusal = GONE;
    const line = new Line(transport);
    clock.advance(10);
    assert.deepEqual(line.names, ['opened']);
    assert.deepEqual(asked(), [1, 1, 1]);
  });

  it('are asked from the one that accepted last', () => {
    const { clock, first, transport, asked } = threeBrokers();
    first.refusal = GONE;
    const line = new Line(transport);
    clock.advance(10);
    line.connection.destroy();
    clock.advance(10);
    assert.deepEqual(line.names, ['opened', 'closed']);
    new Line(transport);
    clock.advance(10);
    assert.deepEqual(asked(), [1, 2, 0]);
  });

  it('are asked once each, and the end names all reasons', () => {
    const { clock, first, second, third, transport, asked } = threeBrokers();
    for (const [index, broker] of [first, second, third].entries()) broker.refusal = new Error(`no ${index}`);
    const line = new Line(transport);
    clock.advance(10);
    assert.deepEqual(asked(), [1, 1, 1]);
    assert.deepEqual(
      line.calls.all.map((call) => call.name === 'closed' && call.error?.message),
      ['no 0; no 1; no 2'],
    );
  });

  it('are left behind one by one by attempts that are given up', () => {
    const { clock, first, transport, asked } = threeBrokers();
    first.reachable = false;
    const line = new Line(transport);
    clock.advance(10);
    line.connection.destroy();
    clock.advance(10);
    assert.deepEqual(line.names, ['closed']);
    const next = new Line(transport);
    clock.advance(10);
    assert.deepEqual(next.names, ['opened']);
    assert.deepEqual(asked(), [1, 1, 0]);
  });

  it('are left behind once, however many find out at the same time', () => {
    const { clock, first, transport, asked } = threeBrokers();
    first.refusal = GONE;
    const ask = (clientId: string) =>
      new Line(transport, { clientId, keepaliveS: 30, connectTimeoutMs: 5_000 });
    const lines = [ask('d1'), ask('d2')];
    clock.advance(10);
    ask('d3');
    clock.advance(10);
    for (const { names } of lines) assert.deepEqual(names, ['opened']);
    assert.deepEqual(asked(), [2, 3, 0]);
  });
});

describe('the URLs of brokers', () => {
  it('stand in one text with commas between', () => {
    assert.deepEqual(brokerUrls('mqtt://a'), ['mqtt://a']);
    assert.deepEqual(brokerUrls('mqtt://a:1, mqtt://b:2'), ['mqtt://a:1', 'mqtt://b:2']);
  });
});
