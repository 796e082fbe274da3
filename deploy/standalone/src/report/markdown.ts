/** A service-level report as Markdown; strips of characters stand for charts. */
import picocolors from 'picocolors';
import { STRIP_LEGEND, terminalStrip } from '../charts/state-strip.ts';
import { textTable } from '../text-table.ts';
import { type ClassReport, type SlaReport, verdictOf } from './sla.ts';
import { duration, EXPLANATION, factsOf, percent, stamp, windowText } from './words.ts';

const PLAIN = picocolors.createColors(false);

export function markdownReport(report: SlaReport): string {
  const head = [
    'class',
    'devices',
    'uptime',
    `target ${report.target} %`,
    'time down',
    'downtimes',
    'coverage',
  ];
  const rows = report.classes.map(({ name, uptime, downs }) => [
    name,
    String(uptime.devices),
    percent(uptime.uptimePercent),
    verdictOf(uptime, report.target),
    duration(uptime.downMs),
    String(downs.count),
    percent(uptime.coveragePercent, 1),
  ]);
  return [
    '# Service level report',
    '',
    windowText(report),
    '',
    ...table(head, rows),
    '',
    EXPLANATION,
    ...report.classes.flatMap((one) => section(one, report)),
    '',
  ].join('\n');
}

function section(one: ClassReport, { zone, by }: SlaReport): string[] {
  const { name, uptime, worst, downs, latency } = one;
  const rows = [
    ...worst.map((row) => [row.device, percent(row.uptimePercent), terminalStrip(row.slots ?? [], PLAIN)]),
    ['all', percent(uptime.uptimePercent), terminalStrip(uptime.slots ?? [], PLAIN)],
  ];
  const strips = textTable(
    [{ title: 'device' }, { title: 'uptime', align: 'right' }, { title: `by ${by}` }],
    rows,
  );
  const longest = downs.longest.map(({ device, site, startAt, endAt, downMs, cause }) => [
    device,
    site ?? '',
    stamp(startAt, zone),
    endAt === undefined ? 'still down' : stamp(endAt, zone),
    duration(downMs),
    cause ?? '–',
  ]);
  return [
    '',
    `## ${name}`,
    '',
    ...table(['', ''], factsOf(one)),
    '',
    'The devices with the least uptime:',
    '',
    '```',
    ...strips,
    '',
    STRIP_LEGEND,
    '```',
    ...(downs.count === 0
      ? []
      : [
          '',
          ...table(
            ['cause', 'downtimes'],
            downs.causes.map(([cause, count]) => [cause, String(count)]),
          ),
          '',
          ...table(['longest downtimes', 'site', 'from', 'to', 'down in the window', 'cause'], longest),
        ]),
    ...(latency?.count
      ? [
          '',
          `Heartbeats: ${percent(latency.successPercent, 2)} of those expected came. Latency: half within ` +
            `${duration(latency.p50Ms)}, 95 % within ${duration(latency.p95Ms)}, at most ${duration(latency.maxMs)}.`,
        ]
      : []),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
