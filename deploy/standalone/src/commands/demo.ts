/** `slowbeat demo`: broker, detector and a small fast fleet whose faults are known, in one process. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDuration } from '@slowbeat/device-sdk';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { demoSettings } from '../demo/demo-fleet.ts';
import { Stage } from '../demo/stage.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { createLogger } from '../log-format.ts';
import { startMonitor } from '../monitor.ts';
import { onStopRequest } from '../stopping.ts';
import { influxTarget } from './start.ts';

interface DemoFlags {
  readonly for?: string;
  readonly devices?: string;
  readonly seed?: string;
  readonly keep?: boolean;
}

export function addDemoCommand(program: Command, context: Context): void {
  program
    .command('demo')
    .description('watch a small fast fleet: crashes, sleepers, reboots, a gateway that drops')
    .option('--for <duration>', 'end by itself after so long, such as 60s; without it story follows story')
    .option('--devices <n>', 'size of the fleet')
    .option('--seed <n>', 'the same seed tells the same story')
    .option('--keep', 'keep the data directory')
    .action((flags: DemoFlags) => demo(flags, context));
}

async function demo(flags: DemoFlags, context: Context): Promise<void> {
  const { terminal, env } = context;
  const length = checkedDuration(flags.for);
  const devices = checkedNumber('--devices', flags.devices, 8, 2000);
  let seed = checkedNumber('--seed', flags.seed, 0, 2 ** 32) ?? Math.floor(Math.random() * 1e6);
  const influx = influxTarget(env);
  using stop = onStopRequest((line) => void terminal.stderr.write(`slowbeat: ${line}\n`), process.exit);
  const dataDirectory = await mkdtemp(join(tmpdir(), 'slowbeat-demo-'));
  const remove = (): void => rmSync(dataDirectory, { recursive: true, force: true });
  // A reader that has seen enough and a second Ctrl-C end the process on the spot.
  if (!flags.keep) process.once('exit', remove);
  try {
    const settings = await demoSettings(dataDirectory);
    const logger = createLogger({ level: settings.log.level, json: false, stream: terminal.stderr });
    await using monitor = await startMonitor({ settings, influx, logger });
    const stage = new Stage(monitor, terminal, dataDirectory);
    do {
      await stage.play({
        seed,
        signal: stop.signal,
        ...(length && { for: length }),
        ...(devices && { count: devices }),
      });
      seed++;
    } while (length === undefined && !stop.signal.aborted);
  } finally {
    if (flags.keep) terminal.stdout.write(`The data is in ${dataDirectory}\n`);
    else remove();
    process.removeListener('exit', remove);
  }
  if (stop.asked() === 'SIGINT') process.exitCode = EXIT.interrupted;
}

function checkedDuration(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    if (parseDuration(text) >= 1000) return text;
  } catch (error) {
    throw new UsageError(`--for ${text}: ${(error as Error).message}`, error);
  }
  throw new UsageError(`--for ${text}: must be at least 1s; a whole story takes 45s`);
}

function checkedNumber(flag: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} ${text}: must be a whole number from ${min} to ${max}`);
}
