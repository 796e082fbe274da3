/** `slowbeat sim virtual`: a scenario in virtual time, with the detector's verdicts held against the truth. */
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { transitionLine } from '@slowbeat/detector-service/replay';
import { formatDuration } from '@slowbeat/device-sdk';
import {
  type Score,
  type SimVirtualHooks,
  type SimVirtualOptions,
  simVirtual,
  simVirtualOptionsSchema,
  type VirtualRun,
  type VirtualSummary,
} from '@slowbeat/firmware-sim';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { onStopRequest } from '../stopping.ts';
import { textTable } from '../text-table.ts';
import { readClasses } from '../trace-input.ts';
import { asSimError, checkedFlags, requestOf } from './sim-request.ts';

interface VirtualFlags {
  readonly devices?: string;
  readonly seed?: string;
  readonly classes?: string;
  readonly truth?: string;
  readonly trace?: string;
  readonly transitions?: string;
  readonly json?: boolean;
  readonly [flag: string]: string | boolean | undefined;
}

/** Events between two looks at whether to stop, and two writes to the files. */
const EVENTS_AT_ONCE = 20_000;
const DAY_MS = 86_400_000;

export function addSimVirtualCommand(sim: Command, context: Context): void {
  sim
    .command('virtual')
    .description(
      'play a story in virtual time, detector included: days in seconds, the same seed the same bytes',
    )
    .argument('<scenario>', 'a story by name, a YAML or JSON file, or the run.json of an earlier run')
    .option('-c, --count <n>', 'devices')
    .option('--devices <n>', 'the same as --count')
    .option('-R, --connect-rate <n>', 'devices started per second')
    .option('-I, --interval <duration>', "replaces every class's interval, such as 15m")
    .option('-n, --start-number <n>', "number of each class's first device")
    .option('--prefix <text>', 'begins every device name; %i and %c in it stand for number and class')
    .option('--seed <seed>', 'the same seed tells the same story (default: drawn, and told)')
    .option('--for <duration>', 'length of the run, such as 7d')
    .option('--classes <file>', 'judge with these classes, as for replay (default: intervals of the story)')
    .option('--truth <file>', 'write there what really happened')
    .option('--trace <file>', 'write there what was heard, for replay')
    .option('--transitions <file>', 'write the verdicts there, as replay does')
    .option('--json', 'the result as JSON; also a class file for replay')
    .action((scenario: string, flags: VirtualFlags) => virtual(scenario, flags, context));
}

async function virtual(scenario: string, flags: VirtualFlags, { terminal }: Context): Promise<void> {
  const { devices, seed, classes, truth, trace, transitions, json, ...rest } = flags;
  const raw = { ...rest, ...(await requestOf({ ...flags, scenario })) };
  const options = checkedFlags(simVirtualOptionsSchema, raw, flags);
  await using truthFile = await LineFile.open('--truth', truth);
  await using traceFile = await LineFile.open('--trace', trace);
  await using transitionFile = await LineFile.open('--transitions', transitions);
  const judged = classes === undefined ? undefined : await readClasses(classes);
  const toTruth = truthFile && ((line: object) => truthFile.add(`${JSON.stringify(line)}\n`));
  const run = begin(options, {
    classes: judged,
    onTruth: toTruth,
    onOutage: toTruth,
    onTrace: traceFile && ((line) => traceFile.add(`${line}\n`)),
    onTransition: transitionFile && ((transition) => transitionFile.add(transitionLine(transition))),
  });
  const { devices: fleet, seed: drawn, durationMs, unplaced } = run.story;
  for (const sentence of unplaced) terminal.stderr.write(`slowbeat: ${sentence}\n`);
  terminal.stderr.write(
    `playing ${formatDuration(durationMs)} with ${fleet.length} devices, seed ${drawn}\n`,
  );
  using stop = onStopRequest((line) => void terminal.stderr.write(`slowbeat: ${line}\n`), process.exit);
  const beganMs = performance.now();
  while (!run.step(EVENTS_AT_ONCE) && !stop.signal.aborted) {
    for (const file of [truthFile, traceFile, transitionFile]) await file?.flush();
    // Signals are heard between turns of the event loop only.
    await setImmediate();
  }
  const tookS = (performance.now() - beganMs) / 1000;
  const summary = run.summary();
  terminal.stdout.write(json ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(summary));
  const deviceDays = (summary.devices * (summary.endedAt - summary.startedAt)) / DAY_MS;
  terminal.stderr.write(
    `${stop.signal.aborted ? 'interrupted' : 'over'}: ${deviceDays.toFixed(1)} device-days in ${tookS.toFixed(1)} s, ${(deviceDays / tookS).toFixed(0)} a second\n`,
  );
  if (stop.asked() === 'SIGINT') process.exitCode = EXIT.interrupted;
}

function begin(options: SimVirtualOptions, hooks: SimVirtualHooks): VirtualRun {
  try {
    return simVirtual(options, hooks);
  } catch (error) {
    throw asSimError(error);
  }
}

/** Lines on their way to a file, written between steps of the run, which cannot wait for a disk itself. */
class LineFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #lines: string[] = [];

  constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(flag: string, path: string | undefined): Promise<LineFile | undefined> {
    if (path === undefined) return undefined;
    try {
      return new LineFile(await open(path, 'w'));
    } catch (error) {
      throw new UsageError(`${flag} ${path}: cannot be written: ${(error as Error).message}`, error);
    }
  }

  add(line: string): void {
    this.#lines.push(line);
  }

  async flush(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    if (text !== '') await this.#file.appendFile(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#file.close();
  }
}

const COLUMNS = [
  { title: 'class' },
  { title: 'deaths', align: 'right' },
  { title: 'found', align: 'right' },
  { title: 'mean T_D', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'over before', align: 'right' },
  { title: 'still open', align: 'right' },
  { title: 'false deaths', align: 'right' },
  { title: 'behind a dead link', align: 'right' },
] as const;

function summaryText(summary: VirtualSummary): string {
  const { scenario, seed, devices, startedAt, endedAt, beats, connects, heard, faults, scores } = summary;
  const listed = (counts: object): string =>
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'none';
  return [
    `${scenario}, seed ${seed}: ${devices} devices for ${formatDuration(endedAt - startedAt)}`,
    `beats: ${beats.sent} sent, ${beats.missed} missed, in ${connects} connections`,
    `heard: ${listed(heard)}`,
    `faults: ${listed(faults)}; nobody could be heard ${summary.serviceOutages} times`,
    '',
    ...textTable(COLUMNS, scores.map(row)),
    '',
  ].join('\n');
}

function row({ deviceClass, detectionMs, ...counts }: Score): string[] {
  const time = (ms: number | undefined): string =>
    ms === undefined ? '-' : formatDuration(ms < 1000 ? Math.round(ms) : 1000 * Math.round(ms / 1000));
  return [
    deviceClass ?? 'all',
    String(counts.deaths),
    String(counts.detected),
    time(detectionMs?.mean),
    time(detectionMs?.p95),
    String(counts.unnoticed),
    String(counts.undetected),
    String(counts.falseDeaths),
    String(counts.falseDeathsWithoutLink),
  ];
}
