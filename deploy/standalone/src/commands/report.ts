/** `slowbeat report`: a service-level report per class, as HTML or Markdown. */
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { nobodyKnown, writeAnswer } from '../query/answers.ts';
import { addQueryOptions, type QueryFlags, selectionOf, windowOf, zoneOf } from '../query/options.ts';
import { asking, printedQuery } from '../query/source.ts';
import { htmlReport } from '../report/html.ts';
import { markdownReport } from '../report/markdown.ts';
import { slaReport } from '../report/sla.ts';

interface ReportFlags extends QueryFlags {
  readonly month?: string;
  readonly target: string;
  readonly format?: 'markdown' | 'html';
  readonly output?: string;
}

export function addReportCommand(program: Command, context: Context): void {
  const command = program
    .command('report')
    .description('a service-level report per class, with charts')
    .addOption(
      new Option('--month <month>', 'a whole month, such as 2026-10, instead of --from and --to').conflicts([
        'from',
        'to',
      ]),
    )
    .option('--target <percent>', 'the uptime that was promised', '99.9')
    .addOption(
      new Option('--format <name>', 'as; markdown unless the output file ends in .html').choices([
        'markdown',
        'html',
      ]),
    )
    .option('-o, --output <file>', 'where to (default: stdout)');
  addQueryOptions(command).action((flags: ReportFlags) => report(flags, context));
}

async function report(flags: ReportFlags, context: Context): Promise<void> {
  const { stdout } = context.terminal;
  const zone = zoneOf(flags);
  const target = targetOf(flags);
  const window = windowOf(monthOf(flags), Date.now());
  const select = selectionOf(flags);
  if (flags.printQuery) {
    stdout.write(await printedQuery(flags, context, { select, window, want: 'all' }));
    return;
  }
  const found = await asking(flags, context, window, ({ source, from, to }) =>
    slaReport({ source, select, from, to, zone, target }),
  );
  if (found.classes.length === 0) throw nobodyKnown(flags, window, zone);
  const format = flags.format ?? (/\.html?$/i.test(flags.output ?? '') ? 'html' : 'markdown');
  const text = format === 'html' ? htmlReport(found) : markdownReport(found);
  if (flags.output === undefined) stdout.write(text);
  else await writeAnswer('--output', flags.output, text);
}

function targetOf({ target: text }: ReportFlags): number {
  const target = Number(text);
  if (text.trim() !== '' && target >= 0 && target <= 100) return target;
  throw new UsageError(`--target ${text}: write a percentage such as 99.9`);
}

function monthOf(flags: ReportFlags): Pick<QueryFlags, 'from' | 'to' | 'zone'> {
  const { month, zone } = flags;
  if (month === undefined) return flags;
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? [];
  if (year === undefined) throw new UsageError(`--month ${month}: write a month such as 2026-10`);
  const next = new Date(Date.UTC(Number(year), Number(number), 1)).toISOString().slice(0, 7);
  return { from: month, to: next, zone };
}
