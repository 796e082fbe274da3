import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readSnapshot, setAside, writeSnapshot } from './snapshot-file.ts';

describe('a snapshot file', () => {
  let directory = '';
  let path = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-snapshot-'));
    path = join(directory, 'detector.snapshot');
  });
  after(() => rm(directory, { recursive: true }));

  it('is read back as it was written; the newest replaces the one before and leaves nothing beside it', async () => {
    assert.equal(await readSnapshot(path), undefined);
    await writeSnapshot(path, Buffer.from('older and longer'));
    await writeSnapshot(path, Buffer.from('newest'));
    assert.equal(String(await readSnapshot(path)), 'newest');
    assert.deepEqual(await readdir(directory), ['detector.snapshot']);
  });

  it('stays as it was when a new one cannot be written', async () => {
    await writeSnapshot(path, Buffer.from('good'));
    await mkdir(`${path}.new`);
    await assert.rejects(writeSnapshot(path, Buffer.from('never')), { code: 'EISDIR' });
    assert.equal(String(await readSnapshot(path)), 'good');
    await rm(`${path}.new`, { recursive: true });
  });

  it('can be set aside, so that the next start does without', async () => {
    await writeSnapshot(path, Buffer.from('not to be believed'));
    assert.equal(await readFile(await setAside(path), 'latin1'), 'not to be believed');
    assert.equal(await readSnapshot(path), undefined);
  });
});
