/** `slowbeat tune`: what other false-alarm budgets would have meant, from a recorded trace. */
import { tune, tuneTables } from '@slowbeat/detector-service/replay';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import {
  addTraceOptions,
  printReport,
  type TraceFlags,
  tableText,
  traceInput,
  withTrace,
} from '../trace-input.ts';

interface TuneFlags extends TraceFlags {
  readonly budget?: readonly string[];
}

/** Each budget is a detector of its own on the whole trace. */
const BUDGETS_MAX = 32;

export function addTuneCommand(program: Command, context: Context): void {
  addTraceOptions(program.command('tune'))
    .description('show what each class of a recorded trace would have had at other false-alarm budgets')
    .option('--budget <number...>', 'false alarms per device and year to try, beside those of the classes')
    .action((trace: string, flags: TuneFlags) => tuneTrace(trace, flags, context));
}

async function tuneTrace(name: string, flags: TuneFlags, context: Context): Promise<void> {
  const input = await traceInput(name, flags);
  const budgets = flags.budget?.map(readBudget);
  if (budgets !== undefined && budgets.length > BUDGETS_MAX) {
    throw new UsageError(`--budget: ${budgets.length} are too many; at most ${BUDGETS_MAX} at once`);
  }
  const report = await withTrace(input, name, context, () => tune({ ...input, budgets }));
  printReport(report, () => tableText(report.judgedBy, tuneTables(report)), input, flags, context);
}

function readBudget(text: string): number {
  const budget = Number(text);
  if (budget > 0 && Number.isFinite(budget)) return budget;
  throw new UsageError(`--budget ${text}: must be a number above 0, such as 0.5`);
}
