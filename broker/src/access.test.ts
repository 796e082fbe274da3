import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DETECTOR_KINDS,
  DEVICE_KINDS,
  parseTopic,
  stateTopic,
  topicFor,
} from '@slowbeat/device-sdk/protocol';
import fc from 'fast-check';
import { type AccessRules, type Action, accessRules, decide } from './access.ts';
import { ANONYMOUS, type Identity, parseGrant, type Role } from './identity.ts';
import { filtersOverlap, isFilter, topicMatches } from './topic-filter.ts';

const ROOT = 'hb/v1';
const RULES = accessRules(ROOT, 'scheme');
const KINDS = [...DEVICE_KINDS, ...DETECTOR_KINDS];

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,8}$/);
const kind = fc.constantFrom(...KINDS);
const grantPart = fc.oneof(
  name,
  fc.constant('*'),
  name.map((text) => `${text}*`),
);
const grants = fc.array(fc.record({ deviceClass: grantPart, device: grantPart }), { maxLength: 4 });
const role: fc.Arbitrary<Role> = fc.constantFrom('device', 'gateway', 'detector', 'observer', 'anonymous');
const action: fc.Arbitrary<Action> = fc.constantFrom('publish', 'subscribe', 'will');
/** Topics near the scheme and far from it. */
const topic = fc.oneof(
  fc
    .tuple(name, name, kind)
    .map(([deviceClass, device, which]) => topicFor(ROOT, deviceClass, device, which)),
  fc
    .array(fc.oneof(name, kind, fc.constantFrom('hb', 'v1', '+', '#', '', '$SYS', '$share', '..', '\0')), {
      maxLength: 7,
    })
    .map((levels) => levels.join('/')),
  fc.string(),
);

function device(deviceName: string, deviceClass = '*'): Identity {
  return { role: 'device', name: deviceName, grants: [{ deviceClass, device: deviceName }] };
}

describe('access, for any identity and any text', () => {
  it('never throws, and allows no publish or will but on a topic of the scheme', () => {
    fc.assert(
      fc.property(role, grants, action, topic, (whose, granted, what, text) => {
        const verdict = decide({ role: whose, name: 'x', grants: granted }, what, text, RULES);
        if (!verdict.allowed || what === 'subscribe') return;
        const parsed = parseTopic(ROOT, text);
        assert.equal(parsed?.kind, verdict.kind);
        if (what === 'will') assert.equal(verdict.kind, 'will');
      }),
      { numRuns: 5_000 },
    );
  });

  it('lets only a detector publish verdicts and probes, and never device messages (open mode aside)', () => {
    fc.assert(
      fc.property(role, grants, name, name, kind, (whose, granted, deviceClass, deviceName, which) => {
        const verdict = decide(
          { role: whose, name: 'x', grants: granted },
          'publish',
          topicFor(ROOT, deviceClass, deviceName, which),
          RULES,
        );
        if (!verdict.allowed || whose === 'anonymous') return;
        const ofDetector = which === 'state' || which === 'ping';
        assert.equal(ofDetector, whose === 'detector');
      }),
    );
  });

  it('lets nobody publish, or leave a will, on $SYS or with a wildcard', () => {
    fc.assert(
      fc.property(
        role,
        grants,
        fc.constantFrom<Action>('publish', 'will'),
        topic,
        (whose, granted, what, text) => {
          if (!text.startsWith('$') && !/[+#]/.test(text)) return;
          assert.equal(decide({ role: whose, name: 'x', grants: granted }, what, text, RULES).allowed, false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('lets an observer publish and will nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom<Action>('publish', 'will'), topic, (what, text) => {
        assert.equal(decide({ role: 'observer', name: 'x', grants: [] }, what, text, RULES).allowed, false);
      }),
    );
  });
});

describe('a device', () => {
  it('speaks for itself and for nobody else', () => {
    fc.assert(
      fc.property(
        name,
        name,
        name,
        kind,
        fc.constantFrom<Action>('publish', 'will'),
        (own, other, deviceClass, which, what) => {
          const verdict = decide(device(own), what, topicFor(ROOT, deviceClass, other, which), RULES);
          const kindAllowed =
            what === 'will' ? which === 'will' : (DEVICE_KINDS as readonly string[]).includes(which);
          assert.equal(verdict.allowed, own === other && kindAllowed);
        },
      ),
    );
  });

  it('hears its own ping and nothing else, whatever it asks for', () => {
    fc.assert(
      fc.property(name, topic, (own, filter) => {
        if (!decide(device(own), 'subscribe', filter, RULES).allowed) return;
        const parsed = parseTopic(ROOT, filter);
        assert.deepEqual([parsed?.device, parsed?.kind], [own, 'ping']);
      }),
      { numRuns: 5_000 },
    );
    assert.equal(decide(device('d1'), 'subscribe', 'hb/v1/meter/d1/ping', RULES).allowed, true);
  });

  it('whose class is pinned speaks in that class only', () => {
    const pinned = device('d1', 'meter');
    assert.equal(decide(pinned, 'publish', 'hb/v1/meter/d1/beat', RULES).allowed, true);
    assert.deepEqual(decide(pinned, 'publish', 'hb/v1/valve/d1/beat', RULES), {
      allowed: false,
      reason: 'foreign-device',
    });
  });

  it('is told no wildcard by any subscription that is granted', () => {
    for (const filter of ['#', '+/+/+/+/+', 'hb/v1/+/d1/ping', 'hb/v1/meter/d1/#', 'hb/v1/meter/+/ping']) {
      assert.deepEqual(decide(device('d1'), 'subscribe', filter, RULES), {
        allowed: false,
        reason: 'wildcard',
      });
    }
  });
});

describe('a gateway', () => {
  const gateway: Identity = {
    role: 'gateway',
    name: 'line-3',
    grants: ['meter/line-3-*', 'valve/v1', 'd9'].map((text) => parseGrant(text) ?? assert.fail(text)),
  };

  it('speaks for the devices it was granted', () => {
    const publishes = (deviceClass: string, name: string): boolean =>
      decide(gateway, 'publish', topicFor(ROOT, deviceClass, name, 'beat'), RULES).allowed;
    assert.equal(publishes('meter', 'line-3-1'), true);
    assert.equal(publishes('valve', 'v1'), true);
    assert.equal(publishes('anything', 'd9'), true);
    assert.equal(publishes('meter', 'line-4-1'), false);
    assert.equal(publishes('valve', 'line-3-1'), false);
    assert.equal(publishes('valve', 'v12'), false);
  });

  it('is refused grants that are not names', () => {
    for (const text of ['', '/', 'a/b/c', '+/x', 'a/#', '**', 'a*b', ' x']) {
      assert.equal(parseGrant(text), undefined, text);
    }
  });
});

describe('whoever hears everything', () => {
  for (const whose of ['detector', 'observer', 'anonymous'] as const) {
    it(`(${whose}) may subscribe to what can match below the root, and to $SYS`, () => {
      const identity = { ...ANONYMOUS, role: whose };
      const allowed = (filter: string): boolean => decide(identity, 'subscribe', filter, RULES).allowed;
      for (const filter of ['#', 'hb/#', 'hb/v1/#', '+/+/+/+/state', 'hb/v1/meter/d1/state', '$SYS/#']) {
        assert.equal(allowed(filter), true, filter);
      }
      for (const filter of [
        '',
        'hb',
        'hb/v1',
        '+/+',
        'home/#',
        'hb/v2/#',
        '$share/g/hb/v1/#',
        '$x',
        'hb/v1/a#',
        'hb/v1/#/x',
        'a+/b',
        '\0',
      ]) {
        assert.equal(allowed(filter), false, JSON.stringify(filter));
      }
    });
  }
});

describe('topics outside the scheme', () => {
  const any = accessRules(ROOT, 'any');
  const bridged = accessRules(ROOT, [
    { prefix: 'zigbee', publish: ['gateway'], subscribe: ['gateway', 'device'] },
    { prefix: 'hb', publish: ['device'], subscribe: ['device'] },
  ]);
  const as = (whose: Role): Identity => ({
    role: whose,
    name: 'd1',
    grants: [{ deviceClass: '*', device: 'd1' }],
  });
  const allows = (rules: AccessRules, whose: Role, what: Action, text: string): boolean =>
    decide(as(whose), what, text, rules).allowed;

  it('are open to everybody with "any", wildcards and $ topics included, the system topics excepted', () => {
    for (const text of ['TopicA', 'TopicA/B', '/TopicA', '$TopicA/B', 'hb', 'a b/c']) {
      for (const what of ['publish', 'will'] as const)
        assert.equal(allows(any, 'anonymous', what, text), true, text);
    }
    for (const text of ['$SYS/x', '$SYS', '$share/g/a', '', 'a/+', '#', 'hb/v1', 'hb/v1/x', 'a\0']) {
      for (const what of ['publish', 'will'] as const) {
        assert.equal(allows(any, 'anonymous', what, text), false, JSON.stringify(text));
      }
    }
    for (const filter of ['TopicA/+', '+/C', '#', '/#', '/+', '+/+', 'TopicA/#', '$TopicA', '$SYS/#']) {
      assert.equal(allows(any, 'anonymous', 'subscribe', filter), true, filter);
    }
    for (const filter of ['test/nosubscribe', 'nosubscribe', '$share/g/a', 'a/#/b', '']) {
      assert.equal(allows(any, 'anonymous', 'subscribe', filter), false, filter);
    }
  });

  it('are limited to the prefixes and roles listed', () => {
    assert.equal(allows(bridged, 'gateway', 'publish', 'zigbee/lamp/set'), true);
    assert.equal(allows(bridged, 'gateway', 'will', 'zigbee'), true);
    assert.equal(allows(bridged, 'device', 'publish', 'zigbee/lamp/set'), false);
    assert.equal(allows(bridged, 'gateway', 'publish', 'zigbees/lamp'), false);
    assert.equal(allows(bridged, 'device', 'subscribe', 'zigbee/#'), true);
    assert.equal(allows(bridged, 'device', 'subscribe', 'zigbee/+/set'), true);
    assert.equal(allows(bridged, 'device', 'subscribe', '+/lamp'), false);
    assert.equal(allows(bridged, 'observer', 'subscribe', 'zigbee/#'), true);
    assert.equal(allows(bridged, 'observer', 'publish', 'zigbee/x'), false);
    assert.equal(allows(bridged, 'observer', 'subscribe', 'elsewhere/#'), false);
    assert.equal(allows(bridged, 'anonymous', 'publish', 'zigbee/x'), true);
  });

  it('never open verdicts to a device or gateway, those of one of several monitors included', () => {
    for (const filter of [
      'hb/v1/+/+/state/+',
      '+/+/meter/d1/state/m1',
      'hb/v1/meter/d2/state/#',
      'hb/v1/+/#',
    ]) {
      for (const whose of ['device', 'gateway'] as const) {
        assert.equal(allows(any, whose, 'subscribe', filter), false, filter);
        assert.equal(allows(bridged, whose, 'subscribe', filter), false, filter);
      }
    }
  });

  it('never open the heartbeats of others to a device or gateway, whatever is carried and asked for', () => {
    const filter = fc.oneof(
      topic,
      fc
        .array(
          fc.constantFrom('hb', 'v1', '+', '#', 'zigbee', 'meter', 'd1', 'd2', 'ping', 'beat', 'state', 'm1'),
          { minLength: 1, maxLength: 7 },
        )
        .map((levels) => levels.join('/')),
    );
    const whose = fc.constantFrom<Role>('device', 'gateway');
    fc.assert(
      fc.property(
        fc.constantFrom(any, bridged),
        whose,
        filter,
        name,
        name,
        kind,
        (rules, bound, text, a, b, which) => {
          const heard = topicFor(ROOT, a, b, which);
          const own = b === 'd1' && which === 'ping';
          const verdict = stateTopic(ROOT, a, b, 'm1');
          if ((!own && topicMatches(text, heard)) || topicMatches(text, verdict))
            assert.equal(allows(rules, bound, 'subscribe', text), false, text);
          if (b !== 'd1') assert.equal(allows(rules, bound, 'publish', heard), false);
          assert.equal(allows(rules, bound, 'publish', text) && /^\$(SYS|share)\//.test(text), false);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('topic filters', () => {
  it('overlap exactly when some topic is matched by both', () => {
    const level = fc.constantFrom('a', 'b', '+', '');
    const some = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
    const plain = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, some, plain, (one, other, levels) => {
        const text = levels.join('/');
        if (topicMatches(one, text) && topicMatches(other, text))
          assert.equal(filtersOverlap(one, other), true);
        const filled = (filter: string, by: string): string =>
          filter
            .split('/')
            .map((part, at) => (part === '+' ? (by.split('/')[at] ?? 'a') : part))
            .join('/');
        const witness = (filter: string, by: string): string[] => {
          const ended = filled(filter, by).replace(/\/?#$/, '');
          const rest = by.split('/').slice(filter.split('/').length - 1);
          return [ended, [ended, ...rest].join('/')].map((text) => text.replace(/\+|#/g, 'a'));
        };
        if (!filtersOverlap(one, other)) return;
        const witnesses = [...witness(one, other), ...witness(other, one)];
        assert.ok(
          witnesses.some((text) => topicMatches(one, text) && topicMatches(other, text)),
          `${one} and ${other}: none of ${witnesses.join(', ')}`,
        );
      }),
      { numRuns: 3_000 },
    );
  });

  it('match as MQTT 3.1.1 section 4.7 says', () => {
    for (const [filter, text, matches] of [
      ['a/b', 'a/b', true],
      ['a/b', 'a/bc', false],
      ['a/+', 'a/b', true],
      ['a/+', 'a', false],
      ['a/+', 'a/', true],
      ['a/#', 'a', true],
      ['a/#', 'a/b/c', true],
      ['a/#', 'ab', false],
      ['+/+', '/x', true],
      ['/+', '/x', true],
      ['+', '/x', false],
      ['#', 'a/b', true],
      ['#', '$SYS/a', false],
      ['+/a', '$SYS/a', false],
      ['$SYS/#', '$SYS/a', true],
      ['a/+/c', 'a/b/d', false],
      ['a/+/#', 'a/b', true],
    ] as const) {
      assert.equal(topicMatches(filter, text), matches, `${filter} on ${text}`);
    }
  });

  it('match exactly what a level-by-level reading says', () => {
    const levels = fc.array(fc.constantFrom('', 'a', 'b', 'ab', '$x'), { minLength: 1, maxLength: 5 });
    const filterLevels = fc.array(fc.constantFrom('', 'a', 'b', 'ab', '+', '#'), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(filterLevels, levels, (wanted, given) => {
        const filter = wanted.join('/');
        const text = given.join('/');
        if (!isFilter(filter) || filter === '' || text === '') return;
        const hidden = text.startsWith('$') && /^[+#]/.test(filter);
        assert.equal(topicMatches(filter, text), !hidden && reads(wanted, given), `${filter} on ${text}`);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** The specification again, slowly. */
function reads(filter: readonly string[], topicLevels: readonly string[]): boolean {
  const [first, ...rest] = filter;
  if (first === '#') return true;
  const [level, ...others] = topicLevels;
  if (first === undefined || level === undefined) return first === level;
  if (first !== '+' && first !== level) return false;
  if (others.length === 0) return rest.length === 0 || (rest.length === 1 && rest[0] === '#');
  return rest.length > 0 && reads(rest, others);
}
