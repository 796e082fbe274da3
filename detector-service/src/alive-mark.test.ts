import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AliveMark, readAliveMark } from './alive-mark.ts';

describe('the mark of the last sign of life', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-mark-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('is what was set last, and survives being opened again', async () => {
    const path = join(directory, 'alive');
    assert.equal(await readAliveMark(path), undefined);
    {
      await using mark = await AliveMark.open(path);
      await mark.set(1_800_000_000_000);
      await mark.set(1_800_000_001_234);
    }
    assert.equal(await readAliveMark(path), 1_800_000_001_234);
    await using _again = await AliveMark.open(path);
    assert.equal(await readAliveMark(path), 1_800_000_001_234);
  });

  it('is none when the file holds anything else', async () => {
    const path = join(directory, 'torn');
    for (const content of ['', '12', 'not a mark at all\n', '000001800000000000']) {
      await writeFile(path, content);
      assert.equal(await readAliveMark(path), undefined, JSON.stringify(content));
    }
  });
});
