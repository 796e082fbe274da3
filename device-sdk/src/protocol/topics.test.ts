import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  DEVICE_KINDS,
  filterFor,
  isDeviceKind,
  isName,
  isRoot,
  parseTopic,
  type TopicKind,
  topicFor,
} from './topics.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const kind = fc.constantFrom<TopicKind>('birth', 'beat', 'will', 'bye', 'pong', 'ping', 'state');
const root = fc.constantFrom('hb/v1', 'x', 'site 1/hb'.replace(' ', '-'), 'a/b/c/d');

describe('topics', () => {
  it('are taken apart into what they were made of', () => {
    fc.assert(
      fc.property(root, name, name, kind, (prefix, deviceClass, device, each) => {
        const topic = topicFor(prefix, deviceClass, device, each);
        assert.deepEqual(parseTopic(prefix, topic), { deviceClass, device, kind: each });
      }),
    );
  });

  it('outside the scheme are nobody’s, whatever they hold', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (prefix, topic) => void parseTopic(prefix, topic)));
    for (const topic of [
      '',
      'hb/v1',
      'hb/v1/',
      'hb/v1/meter/d1',
      'hb/v1/meter/d1/',
      'hb/v1/meter/d1/beat/x',
      'hb/v1/meter//beat',
      'hb/v1/meter/d1/BEAT',
      'hb/v1/meter/d1/toString',
      'hb/v2/meter/d1/beat',
      'hb/v10/meter/d1/beat',
      '/hb/v1/meter/d1/beat',
      'hb/v1/meter/d 1/beat',
      'hb/v1/meter/+/beat',
      'hb/v1/meter/d1/beat\n',
      '$SYS/hb/v1/meter/d1/beat',
    ]) {
      assert.equal(parseTopic('hb/v1', topic), undefined, JSON.stringify(topic));
    }
  });

  it('have filters for one kind and for all', () => {
    assert.equal(filterFor('hb/v1', 'beat'), 'hb/v1/+/+/beat');
    assert.equal(filterFor('hb/v1'), 'hb/v1/+/+/+');
  });

  it('tell what a device says from what is said to it', () => {
    assert.ok(DEVICE_KINDS.every(isDeviceKind));
    assert.equal(isDeviceKind('ping'), false);
    assert.equal(isDeviceKind('state'), false);
  });
});

describe('names and roots', () => {
  it('are as the rule says', () => {
    for (const good of ['a', '7', 'A-b_9', 'x'.repeat(64)]) assert.ok(isName(good), good);
    for (const bad of ['', '-a', '_a', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(65)])
      assert.equal(isName(bad), false, bad);
    for (const good of ['hb', 'hb/v1', 'a/b/c', 'ä/$x']) assert.ok(isRoot(good), good);
    for (const bad of [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      'a/+',
      '#',
      '$SYS',
      'a b',
      'a\u0000',
      'a\u0007',
      'a'.repeat(129),
    ]) {
      assert.equal(isRoot(bad), false, JSON.stringify(bad));
    }
  });
});
