import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { DeviceEvidence } from '../detector/index.ts';
import { BeatLog, formatBeat } from './beat-log.ts';
import { openJournal } from './journal.ts';
import { parsePoint } from './line-protocol.ts';
import { type RecordedEvidence, RecordedTrace } from './recorded-evidence.ts';

const AT = 1_790_000_000_000;

test('a raw heartbeat says what it told and what became of it, and nothing that it did not tell', () => {
  const line = formatBeat(
    { kind: 'beat', deviceClass: 'meter', device: 'm 1', seq: 7, generation: 3, session: 1 },
    { site: 'north', gateway: 'gw 1', outcome: 'renewed', roundTripMs: 12.3456, rssiDbm: -70 },
    AT,
  );
  assert.equal(
    line,
    'device_beat,class=meter,device=m\\ 1,site=north outcome="renewed",seq=7i,gen=3i,session=1i,rtt_ms=12.346,rssi=-70,gateway="gw 1" 1790000000000',
  );
  assert.ok(parsePoint(line));
  const least = formatBeat({ kind: 'beat', deviceClass: 'meter', device: 'm' }, { outcome: 'duplicate' }, 5);
  assert.equal(least, 'device_beat,class=meter,device=m outcome="duplicate" 5');
});

test('what was heard can be told again, in the order of hearing, damage and other classes left out', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slowbeat-beats-'));
  const about = { deviceClass: 'meter', device: 'm1', generation: 4, session: 2 };
  const place = { site: 's', gateway: 'g' };
  const events: DeviceEvidence[] = [
    { kind: 'birth', ...about, intervalMs: 60_000, nextMs: 61_000.5, uptimeMs: 1500, ...place },
    { kind: 'beat', ...about, seq: 9, nextMs: undefined, uptimeMs: undefined, ...place },
    { kind: 'will', ...about },
    { kind: 'pong', ...about },
    { kind: 'traffic', deviceClass: 'meter', device: 'm1' },
    { kind: 'bye', ...about, sleepMs: 5, maintenanceMs: undefined, retire: false },
  ];
  try {
    const logger = pino({ level: 'silent' });
    {
      await using log = new BeatLog(
        await openJournal({ directory, logger, now: () => AT, sync: 'interval' }),
      );
      log.hearing(true, AT);
      for (const [nth, event] of events.entries())
        log.write(event, { ...place, outcome: 'renewed' }, AT + nth);
      log.write({ kind: 'beat', deviceClass: 'other', device: 'x' }, { outcome: 'renewed' }, AT + 10);
      await log.journal.append(['no line protocol']);
      log.hearing(false, AT + 3);
    }
    const trace = new RecordedTrace(directory, { meter: {} });
    const read: RecordedEvidence[] = [];
    for await (const batch of trace) read.push(...batch);
    assert.deepEqual(read, [
      { at: AT, evidence: { kind: 'monitor', up: true } },
      ...events.map((evidence, nth) => ({ at: AT + nth, evidence })),
      { at: AT + 5, evidence: { kind: 'monitor', up: false } },
    ]);
    assert.deepEqual(Object.fromEntries(trace.bad), { 'unknown-class': 1, damaged: 1 });
  } finally {
    await rm(directory, { recursive: true });
  }
});
