import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bootCounter } from './boot-counter.ts';

const directory = mkdtempSync(join(tmpdir(), 'slowbeat-boots-'));
after(() => rmSync(directory, { recursive: true }));

describe('bootCounter', () => {
  it('counts from 1, each call one boot, and leaves one file', () => {
    const file = join(directory, 'boots');
    assert.deepEqual([bootCounter(file), bootCounter(file), bootCounter(file)], [1, 2, 3]);
    assert.equal(readFileSync(file, 'utf8'), '3\n');
    assert.deepEqual(readdirSync(directory), ['boots']);
  });

  it('goes on from the old count when power failed while the new one was written', () => {
    const file = join(directory, 'torn');
    writeFileSync(file, '41\n');
    writeFileSync(`${file}.new`, '4');
    assert.equal(bootCounter(file), 42);
  });

  it('goes on from a number that a person wrote', () => {
    const file = join(directory, 'hand');
    writeFileSync(file, '1700000000');
    assert.equal(bootCounter(file), 1_700_000_001);
  });

  it('refuses to start over from a file that holds no count', () => {
    for (const text of ['', 'x', '-1', '1.5', '9999999999999999', '1\n2\n']) {
      const file = join(directory, 'damaged');
      writeFileSync(file, text);
      assert.throws(() => bootCounter(file), {
        code: 'boot-counter',
        message: /holds no boot count; write a number/,
      });
      assert.equal(readFileSync(file, 'utf8'), text);
    }
  });

  it('names the file it cannot use', () => {
    const file = join(directory, 'nowhere', 'boots');
    assert.throws(() => bootCounter(file), { code: 'boot-counter', message: /nowhere/ });
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    assert.throws(() => bootCounter(folder), { code: 'boot-counter', message: /folder/ });
  });
});
