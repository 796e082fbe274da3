import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closest } from './did-you-mean.ts';

describe('a suggestion', () => {
  const known = ['start', 'demo', 'uptime', 'http', 'host', 'port'];
  for (const [typed, meant] of [
    ['strat', 'start'],
    ['htp', 'http'],
    ['HOST', 'host'],
    ['uptmie', 'uptime'],
    ['deom', 'demo'],
  ] as const) {
    it(`for ${typed} is ${meant}`, () => assert.equal(closest(typed, known), meant));
  }

  it('is not made for a word that is like none', () => {
    assert.equal(closest('banana', known), undefined);
    assert.equal(closest('x', known), undefined);
  });
});
