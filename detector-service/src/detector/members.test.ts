import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemberLinks, Members } from './members.ts';

test('each list holds who joined and did not leave, in the order of joining', () => {
  const move = fc.record({ device: fc.nat({ max: 30 }), to: fc.constantFrom(undefined, 0, 1, 2) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
      const links = new MemberLinks();
      const lists = [0, 1, 2].map(() => new Members(links));
      const expected: number[][] = [[], [], []];
      const at = new Map<number, number>();
      for (const { device, to } of moves) {
        const from = at.get(device);
        if (from !== undefined) {
          lists[from]?.leave(device);
          expected[from] = (expected[from] as number[]).filter((other) => other !== device);
          at.delete(device);
        }
        if (to === undefined) continue;
        lists[to]?.join(device);
        expected[to]?.push(device);
        at.set(device, to);
      }
      assert.deepEqual(
        lists.map((list) => [...list]),
        expected,
      );
      assert.deepEqual(
        lists.map(({ length }) => length),
        expected.map(({ length }) => length),
      );
    }),
  );
});

test('whoever is given may leave at once', () => {
  const members = new Members(new MemberLinks());
  for (const device of [3, 1, 4, 5]) members.join(device);
  const seen: number[] = [];
  for (const device of members) {
    seen.push(device);
    members.leave(device);
  }
  assert.deepEqual(seen, [3, 1, 4, 5]);
  assert.equal(members.length, 0);
});
