/**
 * How fast is a replay? Reads a made-up trace from a file: alone, and through each detector with its scoring.
 *
 *     npm run bench:replay -- [events] [devices]
 *
 * Processor time of all threads, the reader's and the collector's included. The last column compares with parsing
 * the same lines as JSON and nothing else, which no reader of such traces can beat by much.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ALGORITHMS, classConfig } from '@slowbeat/detector-service/detector';
import { replay, traceFile, withAlgorithm } from '@slowbeat/detector-service/replay';

const [events = 1_000_000, devices = 1000] = process.argv.slice(2).map(Number);
const INTERVAL_MS = 900_000;
const LOSS = 0.05;

/** Beats of all devices in turn, one in twenty lost. A linear congruential generator is dice enough. */
function* lines(): Generator<string> {
  let dice = 1;
  let batch = '';
  for (let written = 0, planned = 0; written < events; planned += 1) {
    dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
    if (dice / 2 ** 32 < LOSS) continue;
    const device = planned % devices;
    const seq = Math.floor(planned / devices);
    const t = 1_700_000_000_000 + Math.floor((planned * INTERVAL_MS) / devices);
    const at = `{"t":${t},"kind":"beat","device":"meter-${device}","class":"meter"`;
    batch += `${at},"seq":${seq},"gen":1,"session":1,"next":${INTERVAL_MS},"uptime":${seq * 900}}\n`;
    written += 1;
    if (batch.length > 65_536) {
      yield batch;
      batch = '';
    }
  }
  yield batch;
}

async function perEvent(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / events;
}

const directory = mkdtempSync(join(tmpdir(), 'slowbeat-bench-'));
try {
  const path = join(directory, 'trace.ndjson');
  await pipeline(Readable.from(lines()), createWriteStream(path));
  const classes = { meter: classConfig({ intervalMs: INTERVAL_MS }) };
  const parsing = await perEvent(async () => {
    for await (const line of createInterface({ input: createReadStream(path) })) JSON.parse(line);
  });
  const tell = (what: string, costUs: number) =>
    process.stdout.write(
      `${what.padEnd(24)} ${costUs.toFixed(2)} µs an event  ${Math.round(1e6 / costUs)
        .toString()
        .padStart(8)} events/s  ${(costUs / parsing).toFixed(2)} × readline + JSON.parse\n`,
    );
  process.stdout.write(`${events} events of ${devices} devices, one core\n`);
  tell('readline + JSON.parse', parsing);
  tell('reading', await perEvent(() => readAll(traceFile(path, classes))));
  for (const algorithm of ALGORITHMS) {
    const contenders = [withAlgorithm(classes, algorithm)];
    tell(
      `reading and ${algorithm}`,
      await perEvent(() => replay({ trace: traceFile(path, classes), classes, contenders })),
    );
  }
} finally {
  rmSync(directory, { recursive: true });
}

async function readAll(trace: AsyncIterable<unknown>): Promise<void> {
  for await (const batch of trace) if (batch === undefined) return;
}
