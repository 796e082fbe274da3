/** Results as Markdown. */
import type { Estimate } from './bootstrap.ts';
import type { CoreResult, LinkResult, Quantiles, Results } from './results.ts';

type Column<Row> = readonly [title: string, cell: (row: Row) => string];

const LINKS: readonly Column<LinkResult>[] = [
  ['family', ({ family }) => family],
  ['budget a device-year', ({ budget }) => short(budget)],
  ['mistakes of allowed', ({ mistakes, allowed }) => `${mistakes} of ${short(allowed)}`],
  ['achieved / budget', ({ ofBudget }) => interval(ofBudget)],
  ['first 30 beats', ({ first }) => firstCell(first)],
  ['E[T_D]', ({ detectors }) => short(detectors[0]?.detection)],
  ['p50', ({ detectors }) => short(detectors[0]?.p50)],
  ['p95', ({ detectors }) => short(detectors[0]?.p95)],
  ['÷ oracle', ({ toOracle }) => interval(toOracle)],
  ['÷ best multiple, same rate', ({ toFixedSame }) => interval(toFixedSame)],
  ['÷ best multiple, at budget', ({ toFixedBudget }) => interval(toFixedBudget)],
];

const CORE: readonly Column<CoreResult>[] = [
  ['family', ({ family }) => family],
  ['outages', ({ outages }) => some(outages)],
  ['no, one, more incidents', (row) => incidents(row)],
  ['alarms an outage', ({ outages, alarms }) => (outages > 0 ? short(alarms / outages) : '–')],
  [
    'members called dead',
    ({ outages, membersCalledDead }) => (outages > 0 ? String(membersCalledDead) : '–'),
  ],
  ['blind times', ({ blindTimes }) => some(blindTimes)],
  [
    'false deaths by blindness',
    ({ blindTimes, blindDeaths }) => (blindTimes > 0 ? String(blindDeaths) : '–'),
  ],
  ['innocents called unreachable', ({ innocents }) => String(innocents)],
  ['false alarms of allowed', ({ falseAlarms, allowed }) => `${falseAlarms} of ${short(allowed)}`],
  ['achieved / budget', ({ ofBudget }) => interval(ofBudget)],
  ['deaths, missed', ({ deaths, missed }) => `${deaths}, ${missed}`],
  ['T_D aside: mean, p50, p95', ({ aside }) => quantiles(aside)],
  ['T_D amid: mean, p50, p95', ({ amid }) => quantiles(amid)],
];

/** The three tables. */
export function tables(results: Results): string {
  const { links, core } = results;
  return [
    ...(links.length > 0 ? [table(LINKS, links)] : []),
    ...(links.some(({ detectors }) => detectors.length > 1) ? [baselineTable(links)] : []),
    ...(core.length > 0 ? [table(CORE, core)] : []),
  ].join('\n');
}

/** The published page. */
export function markdown(results: Results): string {
  const { command, seeds, firstSeed, scale, baselineSeeds, links, core } = results;
  return `# Quality of service, measured

\`\`\`sh
${command}
\`\`\`

drew ${seeds} fleets of each family (seeds ${firstSeed} to ${firstSeed + seeds - 1}, size ${scale}) and made these tables, \`qos.json\` and
\`qos.svg\`. The same command gives the same bytes. In brackets: 95 % intervals over the fleets, by the bootstrap. All
detection times are in intervals. [REPLAY.md](../../REPLAY.md#the-benchmark) says how to read them.

![Detection time against false alarms, family by family](qos.svg)

## Links and rhythms

The adaptive detector, told nothing but the interval and the budget.

${table(LINKS, links)}
## The others, at their usual settings

False alarms per device and year, then E[T_D]; on the first ${baselineSeeds} of the fleets. Only adaptive knows of a budget.

${baselineTable(links)}
## Failing surroundings

The whole core, with the adaptive detector at a budget of one a year, beats every five minutes.

${table(CORE, core)}`;
}

function baselineTable(links: readonly LinkResult[]): string {
  const names = links[0]?.detectors.map(({ name }) => name) ?? [];
  const columns = names.map(
    (name): Column<LinkResult> => [
      name,
      ({ detectors }) => {
        const one = detectors.find((detector) => detector.name === name);
        return one === undefined ? '–' : `${short(one.perYear)}, ${short(one.detection)}`;
      },
    ],
  );
  return table([['family', ({ family }) => family], ...columns], links);
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const head =
    line(columns.map(([title]) => title)) + line(columns.map((_, at) => (at === 0 ? '---' : '--:')));
  return head + rows.map((row) => line(columns.map(([, cell]) => cell(row)))).join('');
}

function interval({ value, low, high }: Estimate): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]` : '–';
}

function firstCell({ mistakes, allowed, ofBudget }: LinkResult['first']): string {
  return `${ofBudget.value.toFixed(2)} (${mistakes} of ${short(allowed)})`;
}

function incidents({ outages, unnoticed, oneIncident, moreIncidents }: CoreResult): string {
  return outages > 0 ? `${unnoticed}, ${oneIncident}, ${moreIncidents}` : '–';
}

function quantiles({ count, mean, p50, p95 }: Quantiles): string {
  return count > 0 ? `${short(mean)}, ${short(p50)}, ${short(p95)} (${count})` : '–';
}

function some(count: number): string {
  return count > 0 ? String(count) : '–';
}

/** Three significant digits, without an exponent. */
function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
