import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { LineSplitter } from './line-splitter.ts';
import { TraceError } from './trace-error.ts';
import { type LineFile, type ReadingOptions, traceFile, truthFile } from './trace-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'slowbeat-trace-'));
after(() => rmSync(directory, { recursive: true }));

const beat = (t: number, device = 'd1') => `{"t":${t},"kind":"beat","device":"${device}","class":"meter"}`;
const TRACE = [beat(1), beat(2, 'ü'), beat(2), beat(9)].join('\n');

function written(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function open(content: string | Uint8Array, options?: ReadingOptions) {
  return traceFile(written('trace', content), { meter: {} }, options);
}

async function all<T extends { readonly at: number }>(file: LineFile<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of file) items.push(...batch);
  return items;
}

async function failure(file: LineFile<{ at: number }>): Promise<TraceError> {
  const error = await all(file).catch((reason: unknown) => reason);
  assert.ok(error instanceof TraceError, String(error));
  return error;
}

test('reads plain and compressed traces alike, whatever they are called', async () => {
  const plain = await all(open(`${TRACE}\n`));
  assert.deepEqual(
    plain.map(({ at }) => at),
    [1, 2, 2, 9],
  );
  assert.deepEqual(await all(open(gzipSync(TRACE))), plain);
  assert.deepEqual(
    await all(open(Buffer.concat([gzipSync(`${beat(1)}\n`), gzipSync(beat(2))]))),
    await all(open(`${beat(1)}\n${beat(2)}`)),
  );
});

test('reads standard input, plain and compressed, in pieces of a byte', async () => {
  for (const content of [Buffer.from(TRACE), gzipSync(TRACE)]) {
    const stdin = Readable.from([...content].map((byte) => Buffer.from([byte])));
    assert.equal((await all(traceFile('-', { meter: {} }, { stdin }))).length, 4);
  }
});

test('reads an empty trace, blank lines, Windows line ends and a byte order mark', async () => {
  assert.deepEqual(await all(open('')), []);
  assert.deepEqual(await all(open('x'.slice(1))), []);
  assert.deepEqual(await all(open('\uFEFF\r\n \n')), []);
  assert.equal((await all(open(`\uFEFF${beat(1)}\r\n\r\n  \n${beat(2)}\r\n`))).length, 2);
});

test('names file, line and remedy of an unsorted instant', async () => {
  const { code, line, message } = await failure(open([beat(5), '', beat(4)].join('\n')));
  assert.equal(code, 'unsorted');
  assert.equal(line, 3);
  assert.match(message, /trace:3: "t" is 4, before the 5 of line 1; sort the lines by t$/);
});

test('names the line of broken JSON, also far into a large file', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => beat(index));
  lines[15_000] = '{"t":15000,';
  const { code, line } = await failure(open(gzipSync(lines.join('\n'))));
  assert.equal(code, 'not-json');
  assert.equal(line, 15_001);
});

test('with skipBad counts bad lines by reason and reads the others', async () => {
  const file = open(
    [beat(5), 'nonsense', beat(4), beat(6).replace('meter', 'valve'), '{', 'x'.repeat(70_000), beat(7)].join(
      '\n',
    ),
    { skipBad: true },
  );
  assert.deepEqual(
    (await all(file)).map(({ at }) => at),
    [5, 7],
  );
  assert.deepEqual(Object.fromEntries(file.bad), {
    'not-json': 2,
    unsorted: 1,
    'unknown-class': 1,
    'too-long': 1,
  });
});

test('keeps no more of an endless line than the bound, and counts on behind it', async () => {
  const endless = Readable.from(
    (function* () {
      yield Buffer.from(`${beat(1)}\n`);
      for (let piece = 0; piece < 64; piece += 1) yield Buffer.alloc(65_536, 'x');
      yield Buffer.from(`\n${beat(2)}\nnonsense\n`);
    })(),
  );
  const file = traceFile('-', { meter: {} }, { stdin: endless, skipBad: true });
  assert.equal((await all(file)).length, 2);
  assert.deepEqual(Object.fromEntries(file.bad), { 'too-long': 1, 'not-json': 1 });
});

test('says of a truncated archive what was read, or takes what there is', async () => {
  const lines = Array.from({ length: 5000 }, (_, index) => beat(index, `d${(index * 7919) % 1000}`));
  const whole = gzipSync(lines.join('\n'));
  const cut = whole.subarray(0, whole.length / 2);
  const { code, message } = await failure(open(cut));
  assert.equal(code, 'truncated');
  const [, items] =
    /ends in the middle of its compressed data; (\d+) items in \d+ lines were read/.exec(message) ?? [];
  assert.ok(Number(items) > 1000, message);
  const file = open(cut, { skipBad: true });
  assert.equal((await all(file)).length, Number(items));
  assert.deepEqual(Object.fromEntries(file.bad), { truncated: 1 });
});

test('says of a damaged archive that it is damaged', async () => {
  const whole = gzipSync(Array.from({ length: 5000 }, (_, index) => beat(index)).join('\n'));
  // A reserved block type right behind the header: nothing can be made of it.
  whole[10] = 0xff;
  const { code, message } = await failure(open(whole));
  assert.equal(code, 'truncated');
  assert.match(message, /is damaged within its compressed data/);
});

test('says when there is no such file, or it is a directory', async () => {
  const missing = await failure(traceFile(join(directory, 'absent'), {}));
  assert.equal(missing.code, 'unreadable');
  assert.match(missing.message, /absent: there is no such file/);
  const folder = await failure(truthFile(directory));
  assert.equal(folder.code, 'unreadable');
  assert.match(folder.message, /is a directory/);
});

test('stops reading, and closes the file, when the reader has had enough', async () => {
  const stdin = Readable.from([Buffer.from(`${beat(1)}\n`), Buffer.from(`${beat(2)}\n`)]);
  for await (const batch of traceFile('-', { meter: {} }, { stdin })) if (batch.length > 0) break;
  assert.ok(stdin.destroyed);
});

test('lines do not depend on where chunks are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 12 }),
      fc.array(fc.nat({ max: 40 }), { maxLength: 20 }),
      (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll('\n', ''));
        const bytes = Buffer.from(lines.join('\n'));
        const splitter = new LineSplitter(1000);
        const found: (string | undefined)[] = [];
        let from = 0;
        for (const length of [...cuts, bytes.length]) {
          found.push(...splitter.push(bytes.subarray(from, from + length)));
          from += length;
        }
        found.push(...splitter.end());
        // A file's last newline ends a line; it does not begin another.
        const expected = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
        assert.deepEqual(found, expected);
      },
    ),
  );
});
