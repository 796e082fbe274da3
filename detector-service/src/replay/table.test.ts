import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClassConfig, classConfig } from '../detector/index.ts';
import { withAlgorithm } from './contender.ts';
import { plotGridSvg, plotSvg } from './plot.ts';
import { LogAxis } from './plot-axis.ts';
import { replay } from './replay.ts';
import { budgetSweep, replayPlot } from './replay-plot.ts';
import { replayTables, type Table, tuneTables } from './table.ts';
import type { TraceEvent } from './trace-line.ts';
import type { TruthLine } from './truth-line.ts';
import { tune } from './tune.ts';

const METER: ClassConfig = classConfig({ intervalMs: 10_000, falseAlarmsPerDeviceYear: 12 });
const classes = { meter: METER, valve: { ...METER, falseAlarmsPerDeviceYear: 1 } };

/** A beat every 10 s for an hour, but for the meter a pause of 90 s after the first ten minutes. */
async function* trace(): AsyncGenerator<readonly TraceEvent[]> {
  for (let at = 0; at < 3_600_000; at += 10_000) {
    const beat = (deviceClass: string) => ({
      at,
      evidence: { kind: 'beat', device: 'd1', deviceClass } as const,
    });
    yield at > 600_000 && at < 690_000 ? [beat('valve')] : [beat('meter'), beat('valve')];
  }
}

const contenders = [withAlgorithm(classes, 'fixed'), withAlgorithm(classes, 'missed')];

function cell(table: Table | undefined, row: number, title: string): string | undefined {
  return table?.rows[row]?.[table.columns.findIndex((column) => column.title === title)];
}

test('one table per class and one over all, the best multiple below', async () => {
  const tables = replayTables(await replay({ trace: trace(), classes, contenders }));
  assert.deepEqual(
    tables.map(({ title }) => title.split(':')[0]),
    ['class meter', 'class valve', 'all classes'],
  );
  const [meter] = tables;
  assert.deepEqual(
    meter?.rows.map(([name]) => name?.split(':')[0]),
    ['fixed', 'missed', 'hindsight'],
  );
  assert.equal(cell(meter, 0, 'false alarms'), '1');
  assert.equal(cell(tables[1], 0, 'false alarms'), '0');
  assert.equal(cell(tables[2], 0, 'false alarms'), '1');
  // 40 s less half an interval, as multiples and as time; the pause of 90 s changes little.
  assert.match(cell(meter, 0, 'E[T_D]') ?? '', /^3\.4\d \(34s\)$/);
  assert.match(cell(meter, 0, 'of budget (95 %)') ?? '', /^733 \(18\.5–4081\)$/);
  assert.equal(cell(meter, 0, 'T_M'), '50s');
  for (const { columns, rows } of tables) for (const row of rows) assert.equal(row.length, columns.length);
});

test('deaths and outages have columns where the truth tells them', async () => {
  async function* truth(): AsyncGenerator<readonly TruthLine[]> {
    yield [{ at: 605_000, device: 'd1', deviceClass: 'meter', alive: false, planned: false }];
    yield [{ at: 685_000, device: 'd1', deviceClass: 'meter', alive: true, planned: false }];
    yield [{ at: 900_000, group: 'site', name: 's1', up: false }];
  }
  const [meter] = replayTables(await replay({ trace: trace(), truth: truth(), classes, contenders }));
  assert.equal(cell(meter, 0, 'false alarms'), '0');
  assert.equal(cell(meter, 0, 'deaths'), '1');
  assert.equal(cell(meter, 0, 'T_D'), '3.5 (35s)');
  assert.equal(cell(meter, 0, 'alarms an outage'), '0');
});

test('tuning shows each class at every budget, its own marked', async () => {
  const report = await tune({ trace: trace(), classes, budgets: [365, 1] });
  assert.deepEqual(
    report.classes.meter?.map(({ budget, configured }) => [budget, configured]),
    [
      [1, false],
      [12, true],
      [365, false],
    ],
  );
  const [meter, valve] = tuneTables(report);
  assert.equal(meter?.rows[1]?.at(-1), '← now');
  assert.equal(valve?.rows[0]?.at(-1), '← now');
  const times = report.classes.meter?.map(({ score }) => score.expected?.ms.mean ?? Number.NaN) ?? [];
  assert.ok(
    // All but equal where a mistake made the larger budget cautious.
    times.every((time, index) => index === 0 || time <= 1.01 * (times[index - 1] as number)),
    String(times),
  );
});

test('the plot shows every detector, in text that cannot break out of it', async () => {
  const adaptive = withAlgorithm(classes, 'adaptive');
  const sweep = budgetSweep(adaptive);
  const all = await replay({ trace: trace(), classes, contenders: [adaptive, ...contenders, ...sweep] });
  const report = { ...all, contenders: all.contenders.slice(0, 3) };
  const plot = replayPlot(report, 'a <b> & "c"', all.contenders.slice(3));
  assert.deepEqual(
    plot.series.map(({ name }) => name),
    ['adaptive, by budget', 'fixed', 'missed', 'fixed multiples', 'best multiple, in hindsight'],
  );
  assert.equal(plot.series[0]?.points.length, sweep.length);
  const svg = plotSvg(plot);
  assert.match(svg, /^<svg [^>]*viewBox="0 0 920 560"/);
  assert.match(svg, />a &#60;b&#62; &#38; &#34;c&#34;</);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
});

test('a plot of nothing is an empty plot', () => {
  assert.doesNotMatch(plotSvg({ title: 'nothing', series: [] }), /NaN|Infinity|undefined/);
});

test('an axis places decades evenly and names few of many ticks', () => {
  const axis = new LogAxis([1, 1000], 1, 100, 400);
  assert.deepEqual(
    [1, 10, 100, 1000].map((value) => axis.place(value)),
    [100, 200, 300, 400],
  );
  assert.ok([...axis.ticks()].every(({ label }) => label));
  const wide = [...new LogAxis([0.001, 1e6], 1, 0, 900).ticks()];
  assert.deepEqual(
    wide.filter(({ label }) => label).map(({ value }) => value),
    [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
  );
  const narrow = [...new LogAxis([0.001, 1e6], 1, 0, 200).ticks()];
  assert.deepEqual(
    narrow.filter(({ label }) => label).map(({ value }) => value),
    [0.01, 1, 100, 10_000, 1_000_000],
  );
});

test('plots side by side share one legend, and a series has one look in all of them', () => {
  const at = (falseAlarmsPerDeviceYear: number) => [{ falseAlarmsPerDeviceYear, detectionIntervals: 3 }];
  const fixed = { name: 'fixed', style: 'mark' as const };
  const svg = plotGridSvg('both & more', [
    { title: 'one', series: [{ ...fixed, points: at(2) }] },
    {
      title: 'two',
      budget: 1,
      series: [
        { name: 'oracle', style: 'line', points: [...at(1), ...at(5)] },
        { ...fixed, points: at(4) },
      ],
    },
  ]);
  assert.equal(svg.match(/>fixed</g)?.length, 1);
  assert.match(svg, /both &#38; more/);
  const [legend, first, second] = [...svg.matchAll(/d="(M-[^"]+)" fill="(#\w+)" stroke="#fff"/g)];
  assert.deepEqual([first?.[1], first?.[2]], [legend?.[1], legend?.[2]]);
  assert.deepEqual([second?.[1], second?.[2]], [legend?.[1], legend?.[2]]);
  assert.equal(new Set(svg.match(/clipPath id="[^"]+"/g)).size, 2);
});
