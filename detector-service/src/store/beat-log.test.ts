import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBeat } from './beat-log.ts';
import { parsePoint } from './line-protocol.ts';

test('a raw heartbeat says what it told and what became of it, and nothing that it did not tell', () => {
  const line = formatBeat(
    {
      deviceClass: 'meter',
      device: 'm 1',
      site: 'north',
      outcome: 'renewed',
      seq: 7,
      roundTripMs: 12.3456,
      rssiDbm: -70,
    },
    1_790_000_000_000,
  );
  assert.equal(
    line,
    'device_beat,class=meter,device=m\\ 1,site=north outcome="renewed",seq=7i,rtt_ms=12.346,rssi=-70 1790000000000',
  );
  assert.ok(parsePoint(line));
  const least = formatBeat({ deviceClass: 'meter', device: 'm', outcome: 'duplicate' }, 5);
  assert.equal(least, 'device_beat,class=meter,device=m outcome="duplicate" 5');
});
