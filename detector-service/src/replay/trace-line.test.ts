import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineProblem } from './trace-error.ts';
import { parseTraceLine } from './trace-line.ts';
import { parseTruthLine } from './truth-line.ts';

const parse = (text: string) => parseTraceLine(text, (name) => name === 'meter');
const about = { device: 'd1', deviceClass: 'meter' };
const identity = { generation: 3, session: 2 };
const place = { site: undefined, gateway: undefined, broker: undefined };

const GOOD: readonly [line: string, evidence: object][] = [
  [
    '{"t":5,"kind":"beat","device":"d1","class":"meter","seq":12,"gen":3,"session":2,"next":900000,"uptime":3.5,"site":"s1"}',
    { kind: 'beat', ...about, ...identity, seq: 12, nextMs: 900_000, uptimeMs: 3500, ...place, site: 's1' },
  ],
  [
    '{"t":5,"kind":"beat","device":"d1","class":"meter","seq":null,"rssi":{"dBm":-80}}',
    {
      kind: 'beat',
      ...about,
      generation: undefined,
      session: undefined,
      seq: undefined,
      nextMs: undefined,
      uptimeMs: undefined,
      ...place,
    },
  ],
  [
    '{"t":5,"kind":"birth","device":"d1","class":"meter","gen":3,"session":2,"next":1,"interval":9,"gateway":"g","broker":"b"}',
    {
      kind: 'birth',
      ...about,
      ...identity,
      nextMs: 1,
      intervalMs: 9,
      uptimeMs: undefined,
      ...place,
      gateway: 'g',
      broker: 'b',
    },
  ],
  [
    '{"t":5,"kind":"will","device":"d1","class":"meter","gen":3,"session":2}',
    { kind: 'will', ...about, ...identity },
  ],
  [
    '{"t":5,"kind":"bye","device":"d1","class":"meter","gen":3,"session":2,"sleepMs":60000}',
    { kind: 'bye', ...about, ...identity, sleepMs: 60_000, maintenanceMs: undefined, retire: undefined },
  ],
  [
    '{"t":5,"kind":"bye","device":"d1","class":"meter","gen":3,"session":2,"maintenanceMs":1,"retire":true}',
    { kind: 'bye', ...about, ...identity, sleepMs: undefined, maintenanceMs: 1, retire: true },
  ],
  [
    '{"t":5,"kind":"pong","device":"d1","class":"meter","gen":3,"session":2}',
    { kind: 'pong', ...about, ...identity },
  ],
  ['{"t":5,"kind":"traffic","device":"d1","class":"meter"}\r', { kind: 'traffic', ...about }],
  ['{"t":5,"kind":"monitor","up":false}', { kind: 'monitor', up: false }],
];

for (const [line, evidence] of GOOD) {
  test(`reads ${line.trim()}`, () => assert.deepEqual(parse(line), { at: 5, evidence }));
}

const head = '"t":5,"kind":"beat","device":"d1","class":"meter"';
const BAD: readonly [line: string, reason: string, message: RegExp][] = [
  ['{"t":5,', 'not-json', /^"\{\\"t\\":5," is not JSON .*each line must be one object/],
  [`{${head}} {${head}}`, 'not-json', /is not JSON/],
  ['[1,2]', 'not-an-object', /^\[1,2\] is not an object/],
  ['null', 'not-an-object', /^null is not an object/],
  ['{"kind":"beat","device":"d1","class":"meter"}', 'missing-field', /^"t" is missing.*since 1970/],
  ['{"t":-5,"kind":"beat","device":"d1","class":"meter"}', 'wrong-value', /^"t" is -5; .*not negative/],
  ['{"t":1e999,"kind":"beat","device":"d1","class":"meter"}', 'wrong-value', /^"t" is Infinity;/],
  [
    '{"t":"5","kind":"beat","device":"d1","class":"meter"}',
    'wrong-value',
    /^"t" is "5"; it must be an instant/,
  ],
  ['{"t":5,"device":"d1","class":"meter"}', 'missing-field', /^"kind" is missing; it must be birth, beat/],
  [
    '{"t":5,"kind":"ping","device":"d1","class":"meter"}',
    'bad-kind',
    /^"kind" is "ping"; .*traffic or monitor/,
  ],
  ['{"t":5,"kind":7,"device":"d1","class":"meter"}', 'bad-kind', /^"kind" is 7;/],
  ['{"t":5,"kind":"beat","class":"meter"}', 'missing-field', /^"device" is missing/],
  ['{"t":5,"kind":"beat","device":17,"class":"meter"}', 'wrong-value', /^"device" is 17; .*in quotes/],
  [`{"t":5,"kind":"beat","device":"${'x'.repeat(257)}","class":"meter"}`, 'wrong-value', /1 to 256/],
  ['{"t":5,"kind":"beat","device":"d1"}', 'missing-field', /^"class" is missing/],
  ['{"t":5,"kind":"beat","device":"d1","class":"valve"}', 'unknown-class', /^"class" is "valve", .*add it/],
  ['{"t":5,"kind":"beat","device":"d1","class":"toString"}', 'unknown-class', /"toString"/],
  [`{${head},"seq":1.5}`, 'wrong-value', /^"seq" is 1.5; it must be a whole number from 0/],
  [`{${head},"seq":-1}`, 'wrong-value', /^"seq" is -1;/],
  [`{${head},"gen":"1"}`, 'wrong-value', /^"gen" is "1";/],
  [`{${head},"session":9007199254740993}`, 'wrong-value', /^"session" is 9007199254740992;/],
  [`{${head},"next":-1}`, 'wrong-value', /^"next" is -1; .*milliseconds/],
  [`{${head},"next":1e12}`, 'wrong-value', /^"next" is 1000000000000; .*at most 400 days/],
  [`{${head},"uptime":1e300}`, 'wrong-value', /^"uptime" is 1e\+300; .*at most 4000000000/],
  [`{${head},"interval":1e-9}`, 'wrong-value', /^"interval" is 1e-9; .*from 1 to 400 days/],
  [`{${head},"next":1e400}`, 'wrong-value', /^"next" is Infinity;/],
  [`{${head},"uptime":"1h"}`, 'wrong-value', /^"uptime" is "1h"; .*seconds/],
  [`{${head},"site":""}`, 'wrong-value', /^"site" is "";/],
  ['{"t":5,"kind":"bye","device":"d1","class":"meter","sleepMs":true}', 'wrong-value', /^"sleepMs" is true;/],
  [
    '{"t":5,"kind":"bye","device":"d1","class":"meter","retire":1}',
    'wrong-value',
    /^"retire" is 1; .*true or false/,
  ],
  ['{"t":5,"kind":"monitor"}', 'missing-field', /^"up" is missing; it must be true or false/],
];

for (const [line, reason, message] of BAD) {
  test(`refuses ${line.slice(0, 80)} as ${reason}`, () => {
    const problem = parse(line);
    assert.ok(problem instanceof LineProblem);
    assert.equal(problem.reason, reason);
    assert.match(problem.message, message);
  });
}

test('reads truth about devices and about groups', () => {
  assert.deepEqual(parseTruthLine('{"t":5,"device":"d1","alive":false,"cause":"crash"}'), {
    at: 5,
    device: 'd1',
    deviceClass: undefined,
    alive: false,
    planned: false,
  });
  assert.deepEqual(parseTruthLine('{"t":5,"gateway":"g1","up":false}'), {
    at: 5,
    group: 'gateway',
    name: 'g1',
    up: false,
  });
});

const BAD_TRUTH: readonly [line: string, message: RegExp][] = [
  ['{"device":"d1","alive":true}', /"t" is missing/],
  ['{"t":5,"alive":true}', /"device" is missing/],
  ['{"t":5,"device":"d1"}', /"alive" is missing/],
  ['{"t":5,"device":"d1","alive":"no"}', /"alive" is "no"; it must be true or false/],
  ['{"t":5,"site":"s1"}', /"up" is missing/],
];

for (const [line, message] of BAD_TRUTH) {
  test(`refuses the truth ${line}`, () => {
    const problem = parseTruthLine(line);
    assert.ok(problem instanceof LineProblem);
    assert.match(problem.message, message);
  });
}
