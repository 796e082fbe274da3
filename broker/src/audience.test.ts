import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Audience } from './audience.ts';
import { topicMatches } from './topic-filter.ts';

const level = fc.constantFrom('a', 'b', '$SYS');
const topic = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .filter(([levels, hash]) => hash || levels.length > 0)
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'));
/** The same listener may begin or cease more than once, as it does when two UNSUBSCRIBE follow each other. */
const change = fc.record({ begins: fc.boolean(), listener: fc.nat({ max: 5 }) });

describe('the audience', () => {
  it('hears a topic exactly when a filter of somebody matches it', () => {
    const filters = fc.array(filter, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(filters, fc.array(change), topic, (filterOf, changes, said) => {
        const audience = new Audience();
        const listeners = filterOf.map((_, number) => ({ number }));
        const listening = new Set<number>();
        for (const { begins, listener } of changes) {
          const [name, one] = [filterOf[listener] as string, listeners[listener] as object];
          if (begins) audience.began(name, one);
          else audience.ceased(name, one);
          if (begins) listening.add(listener);
          else listening.delete(listener);
        }
        const heard = [...listening].some((listener) => topicMatches(filterOf[listener] as string, said));
        assert.equal(audience.hears(said), heard);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not look through more wildcards than a tree would', () => {
    const audience = new Audience();
    const filters = Array.from({ length: 20 }, (_, number) => `somewhere/${number}/#`);
    for (const filter of filters) audience.began(filter, { filter });
    assert.equal(audience.hears('elsewhere'), true);
  });
});
