/** Closing an hour of a large fleet: memory per device, how long it takes, and how long it holds others up. */
import { setImmediate as turn } from 'node:timers/promises';
import { encodeSeries, FleetSeries, openJournal, writeInPieces } from '@slowbeat/detector-service/store';
import { pino } from 'pino';
import { inDirectory, perSecond, say } from './measuring.ts';
import { BENCH_START, verdicts } from './verdicts.ts';

const HOUR_MS = 3_600_000;
const INTERVAL_MS = 900_000;

export async function benchSlots(devices: number): Promise<void> {
  globalThis.gc?.();
  const before = usedBytes();
  const series = new FleetSeries();
  series.hears(BENCH_START);
  const changes = verdicts(devices);
  // Names live in the detector anyway; here they are the bench's own.
  for (let number = 0; number < devices; number++) {
    const { value } = changes.next();
    series.record({ ...value, at: BENCH_START, noticedAt: BENCH_START });
  }
  say(
    `series of ${devices.toLocaleString('en')} devices, bytes each, names included`,
    bytesEach(before, devices),
  );
  const seconds = beats(series, devices);
  say('heartbeats counted', perSecond(2 * devices, seconds));
  say('  bytes each, with latencies told', bytesEach(before, devices));
  await inDirectory(async (directory) => {
    await using journal = await openJournal({ directory, logger: pino({ level: 'silent' }) });
    let longestMs = 0;
    let isDone = false;
    const watching = (async () => {
      for (let last = performance.now(); !isDone; ) {
        await turn();
        const now = performance.now();
        longestMs = Math.max(longestMs, now - last);
        last = now;
      }
    })();
    const startedAt = performance.now();
    const lines = await writeInPieces(series.closeSlots(BENCH_START + HOUR_MS), journal);
    const took = (performance.now() - startedAt) / 1000;
    isDone = true;
    await watching;
    say(
      'closing the hour',
      `${lines} lines in ${took.toFixed(1)} s, others wait ${longestMs.toFixed(0)} ms at most`,
    );
    const bytes = journal.counters().appendedBytes;
    say('  bytes a line', (bytes / lines).toFixed(0));
  });
  await benchSnapshot(series, devices);
}

/** The snapshot is made in blocks, and others run between them. */
async function benchSnapshot(series: FleetSeries, devices: number): Promise<void> {
  let [bytes, longestMs, tookMs] = [0, 0, 0];
  let startedAt = performance.now();
  for (const block of encodeSeries(series, BENCH_START + HOUR_MS, { segment: '2026-10-01', offset: 0 })) {
    const blockMs = performance.now() - startedAt;
    longestMs = Math.max(longestMs, blockMs);
    tookMs += blockMs;
    bytes += block.length;
    await turn();
    startedAt = performance.now();
  }
  say(
    'snapshot',
    `${(bytes / devices).toFixed(0)} bytes each, ${tookMs.toFixed(0)} ms in all, others wait ${longestMs.toFixed(0)} ms at most`,
  );
}

function beats(series: FleetSeries, devices: number): number {
  const told = [...series.rows.all()].slice(0, devices).map((row) => ({
    ...series.rows.keyOf(row),
    kind: 'beat' as const,
    nextMs: INTERVAL_MS,
    intervalMs: INTERVAL_MS,
    roundTripMs: 42,
    deviceTimeMs: 0,
    deadAt: 0,
  }));
  const startedAt = performance.now();
  for (let round = 0; round < 2; round++) {
    const at = BENCH_START + round * INTERVAL_MS + 1000;
    for (const beat of told) {
      beat.deviceTimeMs = at - 40;
      beat.deadAt = at + 4 * INTERVAL_MS;
      series.heard(beat, at);
    }
  }
  return (performance.now() - startedAt) / 1000;
}

function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function bytesEach(before: number, devices: number): string {
  return ((usedBytes() - before) / devices).toFixed(0);
}
