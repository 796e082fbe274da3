/**
 * `npm run bench:uptime -- [devices]`: questions to a month of journal of so many devices. Uptime of one device, found
 * by the index; of all devices, in one sum and by day; and how much memory that takes.
 */
import { journalSource, type UptimeQuery, uptimeSums } from '@slowbeat/detector-service/uptime';
import { writeMonth } from '../store/history.ts';
import { inDirectory, say } from '../store/measuring.ts';
import { BENCH_START } from '../store/verdicts.ts';

const DAY_MS = 86_400_000;
const QUESTIONS = 40;

const [devices = 100_000] = process.argv.slice(2).map(Number);
await inDirectory(async (directory) => {
  const bytes = await writeMonth(directory, devices);
  say(`journal of 30 days, ${devices.toLocaleString('en')} devices`, `${(bytes / 1e6).toFixed(0)} MB`);
  const source = journalSource(directory);
  const window = { source, from: BENCH_START + 2.5 * DAY_MS, to: BENCH_START + 29.5 * DAY_MS };

  const took: number[] = [];
  for (let question = 0; question < QUESTIONS; question++) {
    const device = `device-${Math.floor(((question + 0.5) * devices) / QUESTIONS)}`;
    const startedAt = performance.now();
    await uptimeSums({ ...window, select: { deviceClass: 'meter', device } });
    took.push(performance.now() - startedAt);
  }
  took.sort((one, other) => one - other);
  const [median, longest] = [took[QUESTIONS / 2] as number, took.at(-1) as number];
  say(
    'uptime of one device over 27 days',
    `${median.toFixed(1)} ms median, ${longest.toFixed(1)} ms longest`,
  );
  await measured('uptime of all devices, one sum', window);
  await measured('uptime of all devices, by day', { ...window, by: 'day' });
});

async function measured(what: string, query: UptimeQuery): Promise<void> {
  globalThis.gc?.();
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const startedAt = performance.now();
  const { total } = await uptimeSums(query);
  clearInterval(watch);
  const seconds = (performance.now() - startedAt) / 1000;
  const percent = total.uptimePercent?.toFixed(3);
  say(
    what,
    `${total.devices} devices in ${seconds.toFixed(1)} s, ${percent} %, ${(peak / 1_048_576).toFixed(0)} MiB at most`,
  );
}
