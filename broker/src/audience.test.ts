import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from 'aedes';
import fc from 'fast-check';
import { Audience } from './audience.ts';
import { topicMatches } from './topic-filter.ts';

const level = fc.constantFrom('a', 'b', '$SYS');
const topic = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .filter(([levels, hash]) => hash || levels.length > 0)
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'));
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
const change = fc.record({ begins: fc.boolean(), client: fc.nat({ max: 2 }), filter, qos });

/** Nothing of a client matters here but which one it is. */
const clients = Array.from({ length: 3 }, () => ({}) as Client);

describe('the audience', () => {
  it('of a topic is every client with a filter that matches, once and with the highest QoS', () => {
    fc.assert(
      fc.property(fc.array(change), topic, (changes, said) => {
        const audience = new Audience();
        const model = clients.map(() => new Map<string, number>());
        for (const { begins, client: index, filter: name, qos: asked } of changes) {
          const client = clients[index] as Client;
          if (begins) audience.began(client, name, asked);
          else audience.ceased(client, name);
          if (begins) model[index]?.set(name, asked);
          else model[index]?.delete(name);
        }
        const highest = model.map((filters) =>
          Math.max(-1, ...[...filters].filter(([one]) => topicMatches(one, said)).map(([, asked]) => asked)),
        );
        const told = audience.of(said) ?? [];
        const found = clients.map((client) => told.find((listener) => listener.client === client)?.qos ?? -1);
        assert.deepEqual(found, highest);
        assert.equal(told.length, found.filter((one) => one >= 0).length);
        assert.equal(audience.hears(said), told.length > 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('is not looked for among more wildcards than a tree would need', () => {
    const audience = new Audience();
    const [client] = clients as [Client];
    const filters = Array.from({ length: 20 }, (_, number) => `somewhere/${number}/#`);
    for (const name of filters) audience.began(client, name, 1);
    assert.equal(audience.of('elsewhere'), undefined);
    assert.equal(audience.hears('elsewhere'), true);
    for (const name of filters) audience.ceased(client, name);
    assert.equal(audience.hears('elsewhere'), false);
  });
});
