/** `slowbeat replay`: what detectors would have said of a recorded trace, and how well they would have done. */
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { ALGORITHMS } from '@slowbeat/detector-service/detector';
import {
  budgetSweep,
  type Contender,
  isAlgorithm,
  type NamedTransition,
  plotSvg,
  type ReplayReport,
  replay,
  replayPlot,
  replayTables,
  transitionLine,
  withAlgorithm,
} from '@slowbeat/detector-service/replay';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { suggestion } from '../settings/layers.ts';
import {
  addTraceOptions,
  printReport,
  type TraceFlags,
  tableText,
  traceInput,
  withTrace,
} from '../trace-input.ts';

interface ReplayFlags extends TraceFlags {
  readonly detector?: readonly string[];
  readonly transitions?: string;
  readonly plot?: string;
}

export function addReplayCommand(program: Command, context: Context): void {
  addTraceOptions(program.command('replay'))
    .description('run a recorded trace through detectors and compare how well they do')
    .option('--detector <name...>', `which ones: ${ALGORITHMS.join(', ')} (default: all)`)
    .option('--transitions <file>', 'write their verdicts there, as NDJSON')
    .option('--plot <file>', 'write detection time against false alarms there, as SVG')
    .action((trace: string, flags: ReplayFlags) => compare(trace, flags, context));
}

async function compare(name: string, flags: ReplayFlags, context: Context): Promise<void> {
  const input = await traceInput(name, flags);
  const names = [...new Set(flags.detector ?? ALGORITHMS)];
  const contenders = names.map((detector) => {
    if (isAlgorithm(detector)) return withAlgorithm(input.classes, detector);
    throw new UsageError(`--detector ${detector}: is no detector${suggestion(detector, ALGORITHMS)}`);
  });
  const adaptive = contenders.find((contender) => contender.name === 'adaptive');
  const sweep = flags.plot !== undefined && adaptive ? budgetSweep(adaptive) : [];
  const transitions = await transitionFile(flags.transitions, contenders);
  try {
    const all = await withTrace(input, name, context, () =>
      replay({ ...input, contenders: [...contenders, ...sweep], onTransitions: transitions?.write }),
    );
    const report = { ...all, contenders: all.contenders.slice(0, contenders.length) };
    if (flags.plot !== undefined) {
      const plot = replayPlot(report, name, all.contenders.slice(contenders.length));
      await written('--plot', flags.plot, (path) => writeFile(path, plotSvg(plot)));
    }
    printReport(report, (found) => reportText(name, found), input, flags, context);
  } finally {
    await transitions?.file.close();
  }
}

function reportText(name: string, report: ReplayReport): string {
  const { events, devices, span, judgedBy } = report;
  const [from, to] = (span ?? [0, 0]).map((at) => new Date(at).toISOString());
  const head = `${name}: ${events} events of ${devices} devices, ${from} to ${to}`;
  return `${head}\n${tableText(judgedBy, replayTables(report))}`;
}

/** Detectors are named in the lines when there are several. */
async function transitionFile(path: string | undefined, contenders: readonly Contender[]) {
  if (path === undefined) return undefined;
  const file: FileHandle = await written('--transitions', path, (name) => open(name, 'w'));
  const compared = new Set(contenders.map(({ name }) => name));
  const write = async (made: readonly NamedTransition[]): Promise<void> => {
    const lines = made
      // The plot's runs at other budgets are not asked for.
      .filter(({ contender }) => compared.has(contender))
      .map(({ contender, transition }) =>
        transitionLine(transition, compared.size > 1 ? contender : undefined),
      );
    await file.appendFile(lines.join(''));
  };
  return { file, write };
}

async function written<T>(flag: string, path: string, write: (path: string) => Promise<T>): Promise<T> {
  try {
    return await write(path);
  } catch (error) {
    throw new UsageError(`${flag} ${path}: cannot be written: ${(error as Error).message}`, error);
  }
}
