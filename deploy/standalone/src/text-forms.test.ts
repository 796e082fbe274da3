import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clipped } from './demo/live-view.ts';
import { readable } from './log-format.ts';
import { span } from './span.ts';
import { wantsColor } from './terminal.ts';
import { textTable } from './text-table.ts';

describe('what people read', () => {
  it('says durations in two units at most', () => {
    const said = [0, 999, 1000, 59_949, 60_000, 200_000, 3_600_000, 5_430_000, 86_400_000, 100_800_000].map(
      span,
    );
    assert.deepEqual(said, [
      '0 ms',
      '999 ms',
      '1.0 s',
      '59.9 s',
      '1m',
      '3m 20s',
      '1h',
      '1h 30m',
      '1d',
      '1d 4h',
    ]);
  });

  it('aligns tables: words left, numbers right, nothing behind the last column', () => {
    const lines = textTable(
      [{ title: 'class' }, { title: 'n', align: 'right' }, { title: 'state' }],
      [
        ['a', '1', 'up'],
        ['bcdefgh', '200', ''],
      ],
    );
    assert.deepEqual(lines, ['class      n  state', 'a          1  up', 'bcdefgh  200']);
  });

  it('clips lines to the terminal without counting colours', () => {
    const red = '\u001b[31m';
    const plain = '\u001b[39m';
    assert.equal(clipped(`ab${red}cd${plain}ef`, 6), `ab${red}cd${plain}ef`);
    assert.equal(clipped(`ab${red}cd${plain}ef`, 3), `ab${red}c\u001b[0m`);
    assert.equal(clipped('abcdef', 0), '\u001b[0m');
  });

  it('turns a log line of JSON into one of text', () => {
    const line = {
      level: 40,
      time: '2026-11-20T10:15:00.000Z',
      msg: 'lost the broker',
      url: 'mqtt://b',
      nextTryInMs: 500,
      err: { message: 'gone' },
    };
    assert.equal(
      readable(JSON.stringify(line)),
      '10:15:00 warn  lost the broker  url=mqtt://b  nextTryInMs=500  error=gone',
    );
  });

  it('holds nothing with which a stranger writes lines of the log, or on the terminal', () => {
    const topic = 'a/\x1b[31mred\n10:15:01 info  all is well\u009b\u2028\u202e\ud800é 温度';
    const line = { level: 40, time: '2026-11-20T10:15:00.000Z', msg: 'a message', topic };
    assert.equal(
      readable(JSON.stringify(line)),
      '10:15:00 warn  a message  topic=a/\ufffd[31mred\ufffd10:15:01 info  all is well\ufffd\ufffd\ufffd\ufffdé 温度',
    );
  });

  it('is coloured on a terminal, unless NO_COLOR or TERM=dumb say no or FORCE_COLOR says yes', () => {
    assert.equal(wantsColor({}, true), true);
    assert.equal(wantsColor({}, false), false);
    assert.equal(wantsColor({ NO_COLOR: '1', FORCE_COLOR: '1' }, true), false);
    assert.equal(wantsColor({ TERM: 'dumb' }, true), false);
    assert.equal(wantsColor({ FORCE_COLOR: '1', TERM: 'dumb' }, false), true);
    assert.equal(wantsColor({ FORCE_COLOR: '0' }, true), false);
  });
});
