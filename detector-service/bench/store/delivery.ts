/** Points a second through series, journal and delivery, into a sink that answers at once; and while it is away. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createStateSeries, openJournal, startInfluxSender } from '@slowbeat/detector-service/store';
import { pino } from 'pino';
import { inDirectory, perSecond, say } from './measuring.ts';
import { verdicts } from './verdicts.ts';

const logger = pino({ level: 'silent' });
const APPEND_AT_ONCE = 500;

export async function benchDelivery(points: number, devices: number): Promise<void> {
  const lines = [...recorded(points, devices)];
  await inDirectory(async (directory) => {
    const sink = fork(join(import.meta.dirname, 'sink.js'));
    const [port] = (await once(sink, 'message')) as [number];
    try {
      const target = { url: `http://127.0.0.1:${port}`, database: 'fleet' };
      await using journal = await openJournal({ directory, logger });
      await using sender = await startInfluxSender({ journal, target, logger });
      const cpu = process.cpuUsage();
      const startedAt = performance.now();
      await appendAll(journal, lines);
      const appendedAt = performance.now();
      await sender.flushed();
      const seconds = (performance.now() - startedAt) / 1000;
      const used = process.cpuUsage(cpu);
      const cpuSeconds = (used.user + used.system) / 1e6;
      say('journal alone, the sender at work beside it', perSecond(points, (appendedAt - startedAt) / 1000));
      say(
        'journal and delivery',
        `${perSecond(points, seconds)}; ${perSecond(points, cpuSeconds)} of CPU time`,
      );
    } finally {
      sink.disconnect();
    }
  });
  await inDirectory(async (directory) => {
    await using journal = await openJournal({ directory, logger });
    // Nothing listens there.
    const target = { url: 'http://127.0.0.1:9', database: 'fleet' };
    await using sender = await startInfluxSender({ journal, target, logger });
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    await appendAll(journal, lines);
    globalThis.gc?.();
    const grownMiB = (process.memoryUsage().rss - before) / 1_048_576;
    say('server away: lines behind, memory grown', `${sender.status().lagLines}, ${grownMiB.toFixed(0)} MiB`);
  });
}

function* recorded(points: number, devices: number): Generator<string> {
  const series = createStateSeries();
  let seconds = 0;
  let made = 0;
  for (const transition of verdicts(devices)) {
    const before = performance.now();
    const lines = series.record(transition);
    seconds += (performance.now() - before) / 1000;
    for (const line of lines) {
      yield line;
      if (++made === points) {
        say(`record() alone, ${devices} devices`, perSecond(points, seconds));
        return;
      }
    }
  }
}

async function appendAll(
  journal: Awaited<ReturnType<typeof openJournal>>,
  lines: readonly string[],
): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  for (let at = 0; at < lines.length; at += APPEND_AT_ONCE) {
    await journal.room();
    last = journal.append(lines.slice(at, at + APPEND_AT_ONCE));
  }
  await last;
}
