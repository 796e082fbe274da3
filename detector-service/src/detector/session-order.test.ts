import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionOrder } from './session-order.ts';

test('order is by generation, then session, whatever arrives first', () => {
  assert.equal(sessionOrder(-1, -1, { generation: 0, session: 1 }), 'new-generation');
  assert.equal(sessionOrder(5, 2, { generation: 6, session: 1 }), 'new-generation');
  assert.equal(sessionOrder(5, 2, { generation: 5, session: 3 }), 'new-session');
  assert.equal(sessionOrder(5, 2, { generation: 5, session: 2 }), 'current');
  assert.equal(sessionOrder(5, 2, { generation: 5, session: 1 }), 'superseded');
  assert.equal(sessionOrder(5, 2, { generation: 4, session: 9 }), 'superseded');
});

test('a device that does not say who it is is taken at its word', () => {
  assert.equal(sessionOrder(5, 2, {}), 'unidentified');
  assert.equal(sessionOrder(5, 2, { session: 9 }), 'unidentified');
  assert.equal(sessionOrder(5, 2, { generation: 5 }), 'current');
});

test('a smaller generation that proves a boot since the last sign of life is new', () => {
  assert.equal(sessionOrder(5, 2, { generation: 1, session: 1 }, true), 'new-generation');
});
