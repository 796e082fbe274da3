import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readSnapshot, SnapshotRefused, setAside, writeSnapshot } from './snapshot-file.ts';

const AT = 1_800_000_000_123;

describe('a snapshot file', () => {
  let directory = '';
  let path = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-snapshot-'));
    path = join(directory, 'detector.snapshot');
  });
  after(() => rm(directory, { recursive: true }));

  it('is read back as it was written, and the newest replaces the one before', async () => {
    assert.equal(await readSnapshot(path), undefined);
    await writeSnapshot(path, { at: AT - 1, state: Buffer.from('older and longer') });
    await writeSnapshot(path, { at: AT, state: Buffer.from('state') });
    const snapshot = await readSnapshot(path);
    assert.equal(snapshot?.at, AT);
    assert.equal(Buffer.from(snapshot.state).toString(), 'state');
    assert.deepEqual(await readdir(directory), ['detector.snapshot']);
  });

  it('is refused when a bit has flipped, when it is cut short, and when it is of another format', async () => {
    await writeSnapshot(path, { at: AT, state: Buffer.from('some learned state') });
    const whole = await readFile(path);
    const flipped = Buffer.from(whole);
    flipped[flipped.length - 3] = (flipped[flipped.length - 3] ?? 0) ^ 1;
    const later = Buffer.from(whole);
    later.writeUInt32LE(99, 8);
    const cases = [
      [flipped, /checksum/],
      [whole.subarray(0, whole.length - 1), /checksum/],
      [whole.subarray(0, 9), /not one of Slowbeat/],
      [Buffer.from('{"json":"from somewhere else entirely"}'), /not one of Slowbeat/],
      [later, /format 99; this program reads format 1/],
    ] as const;
    for (const [bytes, message] of cases) {
      await writeFile(path, bytes);
      await assert.rejects(readSnapshot(path), (error) => {
        assert.ok(error instanceof SnapshotRefused);
        assert.match(error.message, message);
        return true;
      });
    }
  });

  it('can be set aside, so that the next start does without', async () => {
    await writeFile(path, 'nonsense');
    const aside = await setAside(path);
    assert.equal(await readFile(aside, 'latin1'), 'nonsense');
    assert.equal(await readSnapshot(path), undefined);
  });
});
