/**
 * A service in small, to be killed: verdicts of a few devices, late ones and restatements among them, heartbeats, slots
 * that close, a snapshot now and then, delivery; on a time of its own that runs a thousand times faster. Says on stdout
 * which lines are durable. Arguments: directory, InfluxDB's URL, seed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Reason, State, Transition } from '../detector/transition.ts';
import { seeded } from '../uptime/random-fleet.test.support.ts';
import { replaceFileInPieces } from './durable-file.ts';
import { openJournal } from './journal.ts';
import { startInfluxSender } from './sender.ts';
import { loadSeries } from './series-loading.ts';
import { encodeSeries } from './series-snapshot.ts';

const DEVICES = 12;
const STEP_MS_MAX = 400_000;
const VERDICTS: readonly (readonly [State, Reason])[] = [
  ['alive', 'heard'],
  ['suspect', 'late'],
  ['dead', 'silence'],
  ['unreachable', 'group-outage'],
  ['unknown', 'monitor-blind'],
];

const [directory, url, seed] = process.argv.slice(2) as [string, string, string];
const random = seeded(Number(seed));
const below = (limit: number): number => Math.floor(random() * limit);
const logger = pino({ level: 'silent' });
let now = Date.UTC(2026, 0, 1);
const journal = await openJournal({ directory, logger, keepUndelivered: true, now: () => now });
const snapshotPath = join(directory, 'series.snapshot');
const { series, problem } = await loadSeries(journal, await readFile(snapshotPath).catch(() => undefined));
if (problem !== undefined) throw new Error(problem);
for (const { at } of series.latest()) now = Math.max(now, at);
series.resume(now);
series.hears(now);
await startInfluxSender({
  journal,
  target: { url, database: 'fleet' },
  logger,
  batchBytesMax: 20_000,
  backoff: { initialMs: 5, maxMs: 40 },
});

function verdict(): Transition {
  const device = `d${below(DEVICES)}`;
  const newest = [...series.latest()].find((latest) => latest.device === device);
  const [to, reason] = VERDICTS[below(VERDICTS.length)] as (typeof VERDICTS)[number];
  const about = {
    deviceClass: 'meter',
    device,
    site: `s${device.length}`,
    noticedAt: now,
    phi: 1,
    to,
    reason,
  };
  if (newest === undefined) return { ...about, from: 'unknown', at: now };
  // What is in force may turn out to have been something else, or to have ended long ago.
  if (random() < 0.15) return { ...about, from: newest.state, at: newest.at, restated: true };
  return { ...about, from: newest.state, at: random() < 0.8 ? now : now - below(20 * STEP_MS_MAX) };
}

let settled = Promise.resolve();
let isSaving = false;

/** In the middle of it all, as the service does: what is not durable yet lies behind the position. */
function save(): void {
  if (isSaving) return;
  isSaving = true;
  void replaceFileInPieces(snapshotPath, encodeSeries(series, now, journal.end()), () => settled).finally(
    () => {
      isSaving = false;
    },
  );
}

for (let turn = 1; ; turn++) {
  now += below(STEP_MS_MAX);
  const lines = [...series.closeSlots(now)].flat();
  for (let count = 0; count < 5; count++) lines.push(...series.record(verdict()));
  lines.push(...[...series.checkpoint(now)].flat());
  const told = { kind: 'beat', nextMs: 60_000, intervalMs: 60_000, roundTripMs: 5 } as const;
  lines.push(...series.heard({ deviceClass: 'meter', device: `d${below(DEVICES)}`, ...told }, now).lines);
  const appended = journal.append(lines);
  settled = appended;
  if (turn % 10 === 0) save();
  await appended;
  process.stdout.write(`${JSON.stringify(lines)}\n`);
}
