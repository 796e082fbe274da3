/** Questions to a journal of 30 days: one device by its index, all devices' verdicts at both ends of the window. */
import {
  createStateSeries,
  type JournalReader,
  journalReader,
  openJournal,
  writeCheckpoints,
} from '@slowbeat/detector-service/store';
import { pino } from 'pino';
import { inDirectory, say } from './measuring.ts';
import { BENCH_START, verdicts } from './verdicts.ts';

const DAY_MS = 86_400_000;
const DAYS = 30;
const LOOK_BACK_MS = 25 * 3_600_000;
const QUESTIONS = 40;

export async function benchHistory(devices: number): Promise<void> {
  await inDirectory(async (directory) => {
    const bytes = await writeMonth(directory, devices);
    say(`journal of ${DAYS} days, ${devices.toLocaleString('en')} devices`, `${(bytes / 1e6).toFixed(0)} MB`);
    const reader = journalReader(directory);
    const from = BENCH_START + DAY_MS / 2;
    const to = from + (DAYS - 1) * DAY_MS;

    await askOne(reader, from, devices, 'meter');
    await askOne(reader, from, devices, undefined);

    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const startedAt = performance.now();
    let read = 0;
    const spans = [from, to].map((at) => ({ from: at - LOOK_BACK_MS, to: at }));
    for await (const batch of reader.readStates(spans)) read += batch.lines.length;
    const seconds = (performance.now() - startedAt) / 1000;
    const grownMiB = (process.memoryUsage().rss - before) / 1_048_576;
    say(
      'verdicts of all devices at both ends',
      `${read} lines in ${seconds.toFixed(2)} s, ${grownMiB.toFixed(0)} MiB`,
    );
  });
}

async function askOne(
  reader: JournalReader,
  from: number,
  devices: number,
  deviceClass: string | undefined,
): Promise<void> {
  const took: number[] = [];
  const cpu = process.cpuUsage();
  let lines = 0;
  for (let question = 0; question < QUESTIONS; question++) {
    const device = `device-${Math.floor(((question + 0.5) * devices) / QUESTIONS)}`;
    const startedAt = performance.now();
    const wanted = { deviceClass, device, measurements: ['device_state'] };
    for await (const batch of reader.readSeries(wanted, from - LOOK_BACK_MS)) lines += batch.lines.length;
    took.push(performance.now() - startedAt);
  }
  const used = process.cpuUsage(cpu);
  const cpuMs = (used.user + used.system) / 1000 / QUESTIONS;
  took.sort((one, other) => one - other);
  const [median, longest] = [took[QUESTIONS / 2] as number, took.at(-1) as number];
  say(
    `all points of one device${deviceClass === undefined ? ', class not told' : ''}`,
    `${median.toFixed(1)} ms median, ${longest.toFixed(1)} ms longest; ${cpuMs.toFixed(1)} ms of CPU time`,
  );
  say('  points found', `${(lines / QUESTIONS).toFixed(0)} on average`);
}

/** Each device changes its verdict every other day, and has a checkpoint at each midnight. @returns bytes written */
export async function writeMonth(directory: string, devices: number): Promise<number> {
  let now = BENCH_START;
  const journal = await openJournal({ directory, logger: pino({ level: 'silent' }), now: () => now });
  const series = createStateSeries();
  const changes = verdicts(devices);
  for (let day = 0; day < DAYS; day++) {
    now = BENCH_START + day * DAY_MS;
    await writeCheckpoints(series, journal, now);
    const stepMs = (DAY_MS - 1) / Math.ceil(devices / 2);
    for (let number = 0; number < devices / 2; ) {
      const lines: string[] = [];
      for (; lines.length < 1000 && number < devices / 2; number++) {
        now = Math.floor(BENCH_START + day * DAY_MS + 1 + number * stepMs);
        const { value } = changes.next();
        lines.push(...series.record({ ...value, at: now, noticedAt: now }));
      }
      await journal.room();
      await journal.append(lines);
    }
  }
  const { appendedBytes } = journal.counters();
  await journal.close();
  return appendedBytes;
}
