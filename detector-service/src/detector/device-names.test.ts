import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeviceTable } from './device-table.ts';

const name = fc.oneof(
  fc.string({ maxLength: 70 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', 'a', 'b', 'ÿ', 'Ā', '\ud800', 'a\u0000'),
);
const step = fc.record({ classIndex: fc.nat({ max: 2 }), name, remove: fc.boolean() });

test('a device is found by its class and name, and by nothing else, whatever came and went', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new DeviceTable(3, 0);
      const known = new Map<string, number>();
      for (const { classIndex, name, remove } of steps) {
        const key = `${classIndex}/${name}`;
        const device = known.get(key);
        assert.equal(table.indexOf(classIndex, name), device ?? -1);
        if (device === undefined) known.set(key, table.add(classIndex, name));
        else if (remove) {
          table.remove(device);
          known.delete(key);
        }
      }
      assert.equal(table.size, known.size);
      for (const [key, device] of known) {
        const classIndex = Number(key[0]);
        assert.equal(table.indexOf(classIndex, key.slice(2)), device);
        assert.equal(table.nameAt(device), key.slice(2));
        assert.equal(table.classIndex.get(device), classIndex);
      }
      assert.deepEqual([...table.indices()].sort(), [...known.values()].sort());
    }),
  );
});

test('names of every length up to the longest are kept, and a longer one is refused', () => {
  const table = new DeviceTable(1, 0);
  const longest = 32_767;
  const lengths = [0, 1, 2, 3, 63, 64, 65, 255, 256, 4_095, longest - 1, longest];
  for (const unit of ['x', 'ÿ', '☂']) {
    for (const length of lengths) if (length > 0) table.add(0, unit.repeat(length));
  }
  for (const unit of ['x', 'ÿ', '☂']) {
    for (const length of lengths.filter((each) => each > 0)) {
      const device = table.indexOf(0, unit.repeat(length));
      assert.equal(table.nameAt(device), unit.repeat(length));
    }
  }
  assert.equal(table.indexOf(0, 'x'.repeat(longest + 1)), -1);
  assert.throws(() => table.add(0, 'x'.repeat(longest + 1)), /at most 32767 characters/);
});

test('a hundred thousand names, half of them taken out again, are all found', () => {
  const table = new DeviceTable(1, 0);
  const devices = 100_000;
  for (let i = 0; i < devices; i += 1) table.add(0, `dev-${i}`);
  for (let i = 0; i < devices; i += 2) table.remove(table.indexOf(0, `dev-${i}`));
  for (let i = 0; i < devices; i += 1) {
    const device = table.indexOf(0, `dev-${i}`);
    if (i % 2 === 0) assert.equal(device, -1);
    else assert.equal(table.nameAt(device), `dev-${i}`);
  }
});

test('names made to collide are found like others', () => {
  const names = collidingNames(8);
  const table = new DeviceTable(1, 0);
  const devices = names.map((each) => table.add(0, each));
  names.forEach((each, i) => {
    assert.equal(table.indexOf(0, each), devices[i]);
  });
  for (const device of devices.slice(0, 150)) table.remove(device);
  names.forEach((each, i) => {
    assert.equal(table.indexOf(0, each), i < 150 ? -1 : devices[i]);
  });
});

/** 2 ** `blocks` names of one FNV-1a hash: two blocks that lead to the same state, again and again (Joux 2004). */
function collidingNames(blocks: number): string[] {
  const fnv = (text: string, from: number): number => {
    let state = from;
    for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
    return state;
  };
  let names = [''];
  let state = 0x811c9dc5 | 0;
  for (let block = 0; block < blocks; block += 1) {
    const seen = new Map<number, string>();
    for (let i = 0; ; i += 1) {
      const text = i.toString(36).padStart(6, '0');
      const next = fnv(text, state);
      const twin = seen.get(next);
      seen.set(next, text);
      if (twin === undefined) continue;
      names = names.flatMap((name) => [name + twin, name + text]);
      state = next;
      break;
    }
  }
  return names;
}
