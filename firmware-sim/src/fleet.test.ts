import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expand, fleet } from './fleet.ts';
import { parseScenario } from './scenario.ts';

const mixed = parseScenario({
  name: 'mixed',
  sites: { north: ['gw-1', 'gw-2'], south: ['gw-3'] },
  classes: {
    meter: { share: 5, interval: '2s' },
    pump: { share: 3, interval: '1s' },
    probe: { share: 1, interval: '9s', sites: ['south'] },
  },
});

test('a larger fleet is the smaller one and more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 100 }), (devices, more) => {
      const larger = fleet(mixed, { devices: devices + more });
      assert.deepEqual(larger.slice(0, devices), fleet(mixed, { devices }));
    }),
  );
});

test('classes take part by their shares, to within one device', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (devices) => {
      const counts = { meter: 0, pump: 0, probe: 0 };
      for (const { deviceClass } of fleet(mixed, { devices })) counts[deviceClass as 'meter']++;
      for (const [deviceClass, share] of Object.entries({ meter: 5, pump: 3, probe: 1 })) {
        assert.ok(Math.abs(counts[deviceClass as 'meter'] - (devices * share) / 9) <= 1);
      }
    }),
  );
});

test('devices start one after another at the connect rate', () => {
  const starts = fleet(mixed, { devices: 5, connectRate: 50 }).map(({ startAtMs }) => startAtMs);
  assert.deepEqual(starts, [0, 20, 40, 60, 80]);
});

test('a class is spread over its sites and their gateways', () => {
  const places = new Map<string, number>();
  for (const { deviceClass, site, gateway } of fleet(mixed, { devices: 90 })) {
    const key = `${deviceClass} ${site} ${gateway}`;
    places.set(key, (places.get(key) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries([...places].sort()), {
    'meter north gw-1': 12,
    'meter north gw-2': 13,
    'meter south gw-3': 25,
    'probe south gw-3': 10,
    'pump north gw-1': 7,
    'pump north gw-2': 8,
    'pump south gw-3': 15,
  });
});

test('fleets with disjoint numbers share no name', () => {
  const first = fleet(mixed, { devices: 30 }).map(({ device }) => device);
  const second = fleet(mixed, { devices: 30, startNumber: 1000 }).map(({ device }) => device);
  assert.equal(new Set([...first, ...second]).size, 60);
  assert.equal(first[0], 'meter-1');
});

test('a prefix stands before the name, or makes it when it holds %i', () => {
  const named = (prefix: string) => fleet(mixed, { devices: 1, prefix })[0]?.device;
  assert.equal(named('lab-'), 'lab-meter-1');
  assert.equal(named('lab-%c-%i-x'), 'lab-meter-1-x');
});

test('refuses names that two devices would share, and names that no topic may hold', () => {
  assert.throws(() => fleet(mixed, { prefix: 'd%i' }), /names two devices "d1"; use %i and %c/);
  assert.throws(() => fleet(mixed, { prefix: 'a/' }), /makes the name "a\/meter-1", which must start with/);
});

test('expand leaves alone what it has no value for', () => {
  assert.equal(expand('%c:%i 100% %z %', { c: 'meter', i: '7' }), 'meter:7 100% %z %');
});
