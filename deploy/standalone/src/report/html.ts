/** A service-level report as one HTML page that needs nothing else: charts are drawn in it. */
import { lineChartSvg, niceAbove } from '../charts/line-chart.ts';
import { stripsSvg } from '../charts/state-strip.ts';
import { COLORS, escapeXml } from '../charts/svg.ts';
import { latencySvg } from '../commands/latency.ts';
import { type ClassReport, type SlaReport, verdictOf } from './sla.ts';
import { duration, EXPLANATION, factsOf, percent, stamp, windowText } from './words.ts';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 940px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { margin: 2.5rem 0 .3rem; border-top: 1px solid #ccc; padding-top: 1rem }
p.window, p.note { color: #555; margin-top: .2rem }
table { border-collapse: collapse; margin: .8rem 0 } th, td { text-align: left; padding: .2rem .9rem .2rem 0; vertical-align: top }
th { font-weight: 600; border-bottom: 1px solid #bbb } td { white-space: nowrap } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.uptime { font-size: 2rem; font-weight: 700 } .met { color: ${COLORS.up} } .missed { color: ${COLORS.down} } .unknown { color: #777 }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: .3rem 1.2rem; margin: .6rem 0 1rem }
dt { color: #555; font-size: .85rem } dd { margin: 0; font-weight: 600 }
svg { max-width: 100%; height: auto; margin: .6rem 0; display: block }
@media print { h2 { break-before: page } h2:first-of-type { break-before: avoid } svg, table { break-inside: avoid } }
`;

export function htmlReport(report: SlaReport): string {
  const title = 'Service level report';
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>`,
    `<style>${STYLE}</style></head>`,
    `<body><h1>${title}</h1>`,
    `<p class="window">${escapeXml(windowText(report))}; target ${report.target} %</p>`,
    overview(report),
    `<p class="note">${EXPLANATION}</p>`,
    ...report.classes.map((one) => section(one, report)),
    '</body></html>',
    '',
  ].join('\n');
}

function overview({ classes, target }: SlaReport): string {
  const head = ['class', 'devices', 'uptime', 'target', 'time down', 'downtimes', 'coverage'];
  const rows = classes.map(({ name, uptime, downs }) => {
    const verdict = verdictOf(uptime, target);
    return [
      escapeXml(name),
      String(uptime.devices),
      percent(uptime.uptimePercent),
      `<span class="${verdict}">${verdict}</span>`,
      duration(uptime.downMs),
      String(downs.count),
      percent(uptime.coveragePercent, 1),
    ];
  });
  return table(head, rows, [1, 2, 4, 5, 6]);
}

function section(one: ClassReport, report: SlaReport): string {
  const { name, uptime, worst, downs, latency } = one;
  const { from, to, zone, by, target } = report;
  const points = (uptime.slots ?? []).map((slot) => ({
    at: (slot.from + slot.to) / 2,
    value: slot.uptimePercent,
  }));
  const least = Math.min(target, ...points.flatMap(({ value }) => value ?? []));
  const low = Math.max(0, 100 - 4 * niceAbove(Math.max(0.01, (100 - least) / 4)));
  const chart = lineChartSvg({
    title: `Uptime by ${by}`,
    lines: [{ name: 'uptime', points }],
    from,
    to,
    zone,
    label: (value) => `${Number(value.toFixed(2))} %`,
    range: [low, 100],
    mark: { value: target, name: 'target' },
  });
  const strips = stripsSvg(`The ${worst.length} devices with the least uptime`, report, zone, worst);
  return [
    `<h2>${escapeXml(name)}</h2>`,
    `<div class="uptime ${verdictOf(uptime, target)}">${percent(uptime.uptimePercent)}</div>`,
    `<dl>${factsOf(one)
      .map(([fact, value]) => `<div><dt>${fact}</dt><dd>${value}</dd></div>`)
      .join('')}</dl>`,
    chart,
    strips,
    ...(downs.count > 0 ? [causesTable(one), longestTable(one, report)] : ['<p>No device was down.</p>']),
    ...(latency?.count ? [latencyText(one), latencySvg({ from, to, rows: [], total: latency }, zone)] : []),
  ].join('\n');
}

function causesTable({ downs }: ClassReport): string {
  const rows = downs.causes.map(([cause, count]) => [escapeXml(cause), String(count)]);
  return table(['cause', 'downtimes'], rows, [1]);
}

function longestTable({ downs }: ClassReport, { zone }: SlaReport): string {
  const rows = downs.longest.map(({ device, site, startAt, endAt, downMs, cause, endedBy }) => [
    escapeXml(device),
    escapeXml(site ?? ''),
    stamp(startAt, zone),
    endAt === undefined ? 'still down' : stamp(endAt, zone),
    duration(downMs),
    escapeXml(cause ?? '–'),
    escapeXml(endedBy ?? ''),
  ]);
  const head = ['longest downtimes', 'site', 'from', 'to', 'down in the window', 'cause', 'ended by'];
  return table(head, rows, [4]);
}

function latencyText({ latency }: ClassReport): string {
  const { p50Ms, p95Ms, maxMs, successPercent } = latency ?? {};
  return (
    `<p>Heartbeats: ${percent(successPercent, 2)} of those expected came. Latency: half within ${duration(p50Ms)}, ` +
    `95 % within ${duration(p95Ms)}, at most ${duration(maxMs)}.</p>`
  );
}

/** Cells are HTML already; `numbers` are the columns that stand right. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
): string {
  const cells = (tag: string, row: readonly string[]): string =>
    row
      .map((cell, index) => `<${tag}${numbers.includes(index) ? ' class="number"' : ''}>${cell}</${tag}>`)
      .join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}
