import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeviceTable } from './device-table.ts';
import { PLACE_KINDS } from './group.ts';
import { Groups } from './groups.ts';
import { STATES } from './transition.ts';

const SUSPECT = STATES.indexOf('suspect');
const NAMES = ['a', 'b', 'c'] as const;
const DEVICES = 6;

function tableOf(devices: number): DeviceTable {
  const table = new DeviceTable(1, 1);
  for (let device = 0; device < devices; device += 1) table.add(0, `d${device}`);
  return table;
}

test('each group has the members that said so last, and counts its suspects, whoever moves where', () => {
  const name = fc.option(fc.constantFrom(...NAMES), { nil: undefined });
  const placement = fc.record({ gateway: name, site: name, broker: name });
  const move = fc.record({ device: fc.nat({ max: DEVICES - 1 }), placement, suspect: fc.boolean() });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const table = tableOf(DEVICES);
      const groups = new Groups(table, [...PLACE_KINDS, 'fleet']);
      const told = Array.from({ length: DEVICES }, (): Record<string, string | undefined> => ({}));
      for (const { device, placement, suspect } of moves) {
        groups.place(device, placement);
        for (const kind of PLACE_KINDS)
          told[device] = { ...told[device], [kind]: placement[kind] ?? told[device]?.[kind] };
        const to = suspect ? 'suspect' : 'alive';
        groups.count(device, STATES[table.state.get(device)] ?? 'unknown', to);
        table.state.set(device, STATES.indexOf(to));
      }
      for (const kind of PLACE_KINDS) {
        for (const place of NAMES) {
          const expected = told.flatMap((where, device) => (where[kind] === place ? [device] : []));
          const group = groups.named(kind, place);
          assert.deepEqual([...(group?.members ?? [])].sort(), expected);
          assert.equal(group?.members.length ?? 0, expected.length);
          const suspects = expected.filter((device) => table.state.get(device) === SUSPECT);
          assert.equal(group?.overdue ?? 0, suspects.length);
        }
      }
    }),
  );
});

test('places that nobody is at any more are forgotten, however many there were', () => {
  const groups = new Groups(tableOf(2), ['gateway', 'site', 'fleet']);
  groups.place(0, { site: 'here', gateway: 'own' });
  for (let nth = 0; nth < 10_000; nth += 1) groups.place(1, { site: 'here', gateway: `invented-${nth}` });
  assert.equal(groups.named('gateway', 'invented-0'), undefined);
  assert.deepEqual([...(groups.named('gateway', 'invented-9999')?.members ?? [])], [1]);
  assert.deepEqual([...(groups.named('site', 'here')?.members ?? [])].sort(), [0, 1]);
  assert.ok(groups.locations.length <= 4, `${groups.locations.length} locations for two devices`);
  groups.remove(1);
  assert.equal(groups.named('gateway', 'invented-9999'), undefined);
  assert.deepEqual([...(groups.named('site', 'here')?.members ?? [])], [0]);
});

test('only kinds that count as a common cause make groups; all are remembered', () => {
  const groups = new Groups(tableOf(1), ['site']);
  groups.place(0, { site: 's', gateway: 'g', broker: 'b' });
  assert.deepEqual(
    groups.of(0).map(({ kind, name }) => [kind, name]),
    [['site', 's']],
  );
  assert.equal(groups.at(0).gateway, 'g');
});
