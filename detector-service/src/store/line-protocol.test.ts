import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FieldValue, formatPoint, parsePoint } from './line-protocol.ts';

const name = fc
  .string({
    minLength: 1,
    maxLength: 12,
    unit: fc.constantFrom('a', 'Z', '7', ' ', ',', '=', '\\', '"', 'é', '🐢'),
  })
  .filter((text) => !text.endsWith('\\'));
const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', ' ', ',', '=', '\\', '"', 'ü', '#') }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
);
const point = fc.record({
  measurement: name,
  tags: fc.dictionary(name, name, { maxKeys: 4 }),
  fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 5 }),
  at: fc.maxSafeInteger(),
});

test('what is written reads back as the same point', () => {
  fc.assert(
    fc.property(point, (original) => {
      const read = parsePoint(formatPoint(original));
      assert.ok(read !== undefined);
      assert.deepEqual(
        { ...read, tags: { ...read.tags }, fields: { ...read.fields } },
        { ...original, tags: { ...original.tags }, fields: { ...original.fields } },
      );
    }),
  );
});

test('reading never throws, whatever the line', () => {
  fc.assert(fc.property(fc.string(), (line) => void parsePoint(line)));
  fc.assert(
    fc.property(point, fc.nat(), fc.nat(), (original, from, length) => {
      const line = formatPoint(original);
      parsePoint(line.slice(0, from % line.length) + line.slice((from % line.length) + (length % 9)));
    }),
  );
});

test('tags are sorted and escaped, integers end in i, strings are quoted, empty tags are left out', () => {
  const line = formatPoint({
    measurement: 'my series',
    tags: { site: 'a,b', device: 'x=1 y', class: '' },
    fields: { count: 3n, ratio: 0.5, text: 'say "hi" \\ bye', ok: true },
    at: 1_700_000_000_123,
  });
  assert.equal(
    line,
    'my\\ series,device=x\\=1\\ y,site=a\\,b count=3i,ratio=0.5,text="say \\"hi\\" \\\\ bye",ok=true 1700000000123',
  );
});

test('what no line can carry is refused', () => {
  const good = { measurement: 'm', tags: {}, fields: { f: 1 }, at: 0 };
  for (const bad of [
    { ...good, fields: {} },
    { ...good, fields: { f: Number.NaN } },
    { ...good, fields: { f: Number.POSITIVE_INFINITY } },
    { ...good, fields: { f: 2n ** 63n } },
    { ...good, fields: { f: 'two\nlines' } },
    { ...good, tags: { device: 'ends in \\' } },
    { ...good, measurement: '' },
    { ...good, at: 0.5 },
  ]) {
    assert.throws(() => formatPoint(bad), RangeError);
  }
});

test('a line that is none of ours reads as nothing', () => {
  for (const line of [
    '',
    'm',
    'm f=1',
    'm f=1 x',
    'm f= 1',
    'm =1 1',
    ',a=b f=1 1',
    'm,a= f=1 1',
    'm f=1, 1',
    'm f="a 1',
    '# f=1',
  ]) {
    assert.equal(parsePoint(line), undefined, line);
  }
});
