import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { RecordFile } from './directory-storage.ts';
import { RecordLog, readRecords } from './record-log.ts';

type Change = readonly [key: string, value: string | null];

/** A map as its log would have it: the smallest state there is. */
class LoggedMap {
  readonly map = new Map<string, string>();
  log: RecordLog<Change> | undefined;
  damaged = 0;
  readonly troubles: string[] = [];

  static async open(path: string, rewriteBytesMin = 1_000): Promise<LoggedMap> {
    const logged = new LoggedMap();
    logged.damaged = await readRecords<Change>(new RecordFile(path), (change) => logged.#apply(change));
    logged.log = await RecordLog.start<Change>({
      place: new RecordFile(path),
      rewriteBytesMin,
      snapshot: () => logged.map.entries(),
      onTrouble: ({ message }) => logged.troubles.push(message),
    });
    return logged;
  }

  set(key: string, value: string | null): Promise<void> {
    this.#apply([key, value]);
    return (this.log as RecordLog<Change>).append([key, value]);
  }

  #apply([key, value]: Change): void {
    if (value === null) this.map.delete(key);
    else this.map.set(key, value);
  }
}

describe('a record log', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slowbeat-log-'));
    path = join(directory, 'log');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('gives back the state, whatever the changes are and however often it was written anew', async () => {
    const change = fc.tuple(fc.string({ unit: 'binary' }), fc.option(fc.string({ unit: 'binary' })));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 40 }), fc.nat(40), async (changes, waitAt) => {
        await rm(path, { force: true });
        const before = await LoggedMap.open(path, 200);
        for (const [index, [key, value]] of changes.entries()) {
          const written = before.set(key, value);
          if (index === waitAt) await written;
        }
        await before.log?.close();
        const after = await LoggedMap.open(path);
        await after.log?.close();
        assert.deepEqual(new Map([...after.map].sort()), new Map([...before.map].sort()));
        assert.deepEqual([after.damaged, before.troubles], [0, []]);
      }),
      { numRuns: 50 },
    );
  });

  it('loses what was cut off at its end and nothing before, wherever the cut is', async () => {
    const before = await LoggedMap.open(path);
    for (const key of ['a', 'b', 'c']) await before.set(key, 'x');
    await before.log?.close();
    const whole = await readFile(path);
    for (let length = whole.length; length >= 0; length--) {
      await truncate(path, length);
      const keys: string[] = [];
      const damaged = await readRecords<Change>(new RecordFile(path), ([key]) => keys.push(key));
      const text = whole.subarray(0, length).toString();
      const complete = text.split('\n').filter((line) => line.endsWith(']'));
      assert.deepEqual(keys, ['a', 'b', 'c'].slice(0, complete.length));
      assert.equal(damaged, text === '' || text.endsWith('\n') || text.endsWith(']') ? 0 : 1);
    }
  });

  it('leaves out a line with one wrong bit', async () => {
    const before = await LoggedMap.open(path);
    for (const key of ['a', 'b', 'c']) await before.set(key, 'x');
    await before.log?.close();
    const text = await readFile(path, 'utf8');
    await truncate(path, 0);
    await appendFile(path, text.replace('"b"', '"c"'));
    const after = await LoggedMap.open(path);
    await after.log?.close();
    assert.deepEqual([...after.map.keys()], ['a', 'c']);
    assert.equal(after.damaged, 1);
  });

  it('stays within twice its state, or its least size, however many changes come', async () => {
    const logged = await LoggedMap.open(path, 4_000);
    for (let n = 0; n < 2_000; n++) await logged.set(`key ${n % 10}`, String(n));
    await logged.log?.close();
    const { size } = await stat(path);
    assert.ok(size < 4_100, `${size} bytes`);
  });

  it('goes on in the old file while it cannot be written anew, and says so', async () => {
    const logged = await LoggedMap.open(path, 300);
    await mkdir(`${path}.new`); // in the way
    for (let n = 0; n < 60; n++) await logged.set('key', String(n));
    assert.match(String(logged.troubles), /EISDIR/);
    await rm(`${path}.new`, { recursive: true });
    for (let n = 60; n < 200; n++) await logged.set('key', String(n));
    await logged.log?.close();
    assert.ok((await stat(path)).size < 400);
    const after = await LoggedMap.open(path);
    await after.log?.close();
    assert.deepEqual([...after.map], [['key', '199']]);
  });
});
