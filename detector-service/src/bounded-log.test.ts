import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedLog } from './bounded-log.ts';

function collecting(linesPerMinute: number): { log: BoundedLog; lines: string[] } {
  const lines: string[] = [];
  const warn = (_details: object, message?: string): void => void lines.push(message ?? '');
  return { log: new BoundedLog({ logger: { warn } as never, linesPerMinute }), lines };
}

describe('a bounded log', () => {
  it('writes a few lines per reason and minute and says afterwards how many it left out', () => {
    const { log, lines } = collecting(2);
    for (let i = 0; i < 100; i++) log.warn('bad-topic', i, {}, `line ${i}`);
    assert.deepEqual(lines, ['line 0', 'line 1']);
    log.warn('bad-topic', 60_000, {}, 'next minute');
    assert.deepEqual(lines.slice(2), ['98 more like this within a minute', 'next minute']);
  });

  it('keeps reasons apart, so that one flood does not hide another fault', () => {
    const { log, lines } = collecting(1);
    log.warn('bad-topic', 0, {}, 'a');
    log.warn('bad-topic', 1, {}, 'b');
    log.warn('malformed', 2, {}, 'c');
    assert.deepEqual(lines, ['a', 'c']);
  });

  it('tells what it left out even when the flood just ends', () => {
    const { log, lines } = collecting(1);
    log.warn('bad-topic', 0, {}, 'a');
    log.warn('bad-topic', 1, {}, 'b');
    log.flush(59_999);
    assert.deepEqual(lines, ['a']);
    log.flush(60_000);
    log.flush(120_000);
    assert.deepEqual(lines, ['a', '1 more like this within a minute']);
  });
});
