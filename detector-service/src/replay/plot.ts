/** The trade every failure detector makes, as a picture: detection time against false alarms, both logarithmic. */
import { escapeXml, LogAxis } from './plot-axis.ts';
import type { CurvePoint } from './report.ts';

export interface PlotSeries {
  readonly name: string;
  readonly points: readonly CurvePoint[];
  /** A line through the points, or a mark at each. */
  readonly style: 'line' | 'mark' | 'line-and-mark';
}

export interface Plot {
  readonly title: string;
  /** An oracle's curve, where a truth allows one, is a series like any other. */
  readonly series: readonly PlotSeries[];
  /** False alarms per device and year that were asked for: drawn as an upright line. */
  readonly budget?: number | undefined;
}

const WIDTH = 920;
const HEIGHT = 560;
const LEFT = 72;
const RIGHT = 690;
const TOP = 52;
const BOTTOM = 494;
/** Room at the left for points without any false alarm. */
const NONE_WIDTH = 36;
/** Okabe and Ito's palette, which stays apart for colour-blind readers. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c6d31'];
/** Widest and narrowest view around the marked points: hindsight curves run on for decades beyond. */
const MARGIN = 8;

/** The plot as an SVG document. */
export function plotSvg({ title, series, budget }: Plot): string {
  const axes = axesFor(series, budget);
  const drawn = series.map((one, index) =>
    seriesSvg(one, COLORS[index % COLORS.length] as string, axes, index),
  );
  const body = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="28" font-size="16" font-weight="bold">${escapeXml(title)}</text>`,
    ...gridSvg(axes),
    `<clipPath id="area"><rect x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${BOTTOM - TOP}"/></clipPath>`,
    '<g clip-path="url(#area)">',
    ...drawn.map(({ line }) => line),
    // Marks lie above all lines, else a curve would hide the very points it is compared with.
    ...drawn.map(({ marks }) => marks),
    '</g>',
    ...(budget === undefined ? [] : budgetSvg(budget, axes)),
    ...drawn.map(({ legend }) => legend),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"` +
      ' font-family="system-ui, sans-serif" font-size="12" fill="#222">',
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

interface Axes {
  readonly x: LogAxis;
  readonly y: LogAxis;
  /** Where points without any false alarm go: a logarithm has no zero. */
  readonly xNone: number;
}

function axesFor(series: readonly PlotSeries[], budget: number | undefined): Axes {
  const marked = series.filter(({ style }) => style !== 'line');
  const points = (marked.length > 0 ? marked : series).flatMap((one) => one.points);
  const xs = [...points.map((point) => point.falseAlarmsPerDeviceYear), budget ?? 0].filter((x) => x > 0);
  const ys = points.map((point) => point.detectionIntervals).filter((y) => y > 0 && Number.isFinite(y));
  const xNone = LEFT + NONE_WIDTH / 2;
  return {
    x: new LogAxis(xs, MARGIN, LEFT + NONE_WIDTH, RIGHT),
    y: new LogAxis(ys, 2, BOTTOM, TOP),
    xNone,
  };
}

function gridSvg({ x, y, xNone }: Axes): string[] {
  const lines: string[] = [];
  for (const { value, place, label } of x.ticks()) {
    lines.push(`<path d="M${place} ${TOP}V${BOTTOM}" stroke="#e4e4e4"/>`);
    if (label) lines.push(`<text x="${place}" y="${BOTTOM + 18}" text-anchor="middle">${value}</text>`);
  }
  for (const { value, place, label } of y.ticks()) {
    lines.push(`<path d="M${LEFT} ${place}H${RIGHT}" stroke="#e4e4e4"/>`);
    if (label) lines.push(`<text x="${LEFT - 8}" y="${place + 4}" text-anchor="end">${value}</text>`);
  }
  const middle = (TOP + BOTTOM) / 2;
  return [
    ...lines,
    `<path d="M${LEFT + NONE_WIDTH} ${TOP}V${BOTTOM}" stroke="#aaa" stroke-dasharray="2 3"/>`,
    `<text x="${xNone}" y="${BOTTOM + 18}" text-anchor="middle">none</text>`,
    `<rect x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${BOTTOM - TOP}" fill="none" stroke="#888"/>`,
    `<text x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 42}" text-anchor="middle">false alarms per device and year</text>`,
    `<text transform="translate(20 ${middle}) rotate(-90)" text-anchor="middle">expected detection time, intervals</text>`,
  ];
}

function budgetSvg(budget: number, { x }: Axes): string[] {
  const place = x.place(budget);
  return [
    `<path d="M${place} ${TOP}V${BOTTOM}" stroke="#666" stroke-dasharray="5 4"/>`,
    `<text x="${place + 5}" y="${TOP + 15}" fill="#555" stroke="#fff" stroke-width="3" paint-order="stroke">budget</text>`,
  ];
}

function seriesSvg(
  { name, points, style }: PlotSeries,
  color: string,
  { x, y, xNone }: Axes,
  index: number,
): { line: string; marks: string; legend: string } {
  const placed = points
    .filter(({ detectionIntervals }) => detectionIntervals > 0 && Number.isFinite(detectionIntervals))
    .map(({ falseAlarmsPerDeviceYear, detectionIntervals }) => [
      falseAlarmsPerDeviceYear > 0 ? x.place(falseAlarmsPerDeviceYear) : xNone,
      y.place(detectionIntervals),
    ]);
  const line = `<path d="M${placed.map((at) => at.join(' ')).join('L')}" fill="none" stroke="${color}" stroke-width="1.8"/>`;
  const marks = placed.map(([atX, atY]) => mark(atX as number, atY as number, color, index));
  const legendY = TOP + 10 + 22 * index;
  const sample = [
    style === 'mark' ? '' : `<path d="M${RIGHT + 18} ${legendY}h24" stroke="${color}" stroke-width="1.8"/>`,
    style === 'line' ? '' : mark(RIGHT + 30, legendY, color, index),
    `<text x="${RIGHT + 50}" y="${legendY + 4}">${escapeXml(name)}</text>`,
  ];
  return {
    line: style === 'mark' || placed.length === 0 ? '' : line,
    marks: style === 'line' ? '' : marks.join(''),
    legend: sample.join(''),
  };
}

/** Outlines of about the same weight, so that series differ without their colour too. */
const SHAPES = [
  'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0',
  'M-4.5-4.5h9v9h-9z',
  'M0-6L6 5H-6z',
  'M0-6.5L6 0L0 6.5L-6 0z',
];

function mark(x: number, y: number, color: string, index: number): string {
  const shape = SHAPES[index % SHAPES.length] as string;
  return `<path transform="translate(${x} ${y})" d="${shape}" fill="${color}" stroke="#fff"/>`;
}
