/** One panel of a plot: axes, grid and series within a frame. */
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

/** Where a panel lies in the picture. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Room at the left for points without any false alarm. */
const NONE_WIDTH = 36;
/** Okabe and Ito's palette, which stays apart for colour-blind readers, and two more. */
const COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#000000',
  '#8c6d31',
  '#7f7f7f',
  '#6a3d9a',
];
/** Widest and narrowest view around the marked points: hindsight curves run on for decades beyond. */
const MARGIN = 8;

/**
 * Axes, grid, lines and marks of a plot within a frame.
 *
 * @param id names the clip path, once in a picture
 * @param look a series' place among colours and shapes
 */
export function panelSvg(
  { series, budget }: Plot,
  frame: Frame,
  id: string,
  look: (name: string) => number,
): string[] {
  const axes = axesFor(series, budget, frame);
  const drawn = series.map((one) => seriesSvg(one, axes, look(one.name)));
  const { left, right, top, bottom } = frame;
  return [
    ...gridSvg(axes, frame),
    `<clipPath id="${id}"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>`,
    `<g clip-path="url(#${id})">`,
    ...drawn.map(({ line }) => line),
    // Marks lie above all lines, else a curve would hide the very points it is compared with.
    ...drawn.map(({ marks }) => marks),
    '</g>',
    ...(budget === undefined ? [] : budgetSvg(budget, axes, frame)),
  ];
}

/** What a series looks like, with its name. */
export function legendSvg(
  { name, style }: Pick<PlotSeries, 'name' | 'style'>,
  x: number,
  y: number,
  index: number,
): string {
  return [
    style === 'mark' ? '' : `<path d="M${x} ${y}h24" stroke="${colorAt(index)}" stroke-width="1.8"/>`,
    style === 'line' ? '' : mark(x + 12, y, index),
    `<text x="${x + 32}" y="${y + 4}">${escapeXml(name)}</text>`,
  ].join('');
}

interface Axes {
  readonly x: LogAxis;
  readonly y: LogAxis;
  /** Where points without any false alarm go: a logarithm has no zero. */
  readonly xNone: number;
}

function axesFor(series: readonly PlotSeries[], budget: number | undefined, frame: Frame): Axes {
  const { left, right, top, bottom } = frame;
  const marked = series.filter(({ style }) => style !== 'line');
  const points = (marked.length > 0 ? marked : series).flatMap((one) => one.points);
  const xs = [...points.map((point) => point.falseAlarmsPerDeviceYear), budget ?? 0].filter((x) => x > 0);
  const ys = points.map((point) => point.detectionIntervals).filter((y) => y > 0 && Number.isFinite(y));
  const xNone = left + NONE_WIDTH / 2;
  return {
    x: new LogAxis(xs, MARGIN, left + NONE_WIDTH, right),
    y: new LogAxis(ys, 2, bottom, top),
    xNone,
  };
}

function gridSvg({ x, y, xNone }: Axes, { left, right, top, bottom }: Frame): string[] {
  const lines: string[] = [];
  for (const { value, place, label } of x.ticks()) {
    lines.push(`<path d="M${place} ${top}V${bottom}" stroke="#e4e4e4"/>`);
    if (label) lines.push(`<text x="${place}" y="${bottom + 18}" text-anchor="middle">${value}</text>`);
  }
  for (const { value, place, label } of y.ticks()) {
    lines.push(`<path d="M${left} ${place}H${right}" stroke="#e4e4e4"/>`);
    if (label) lines.push(`<text x="${left - 8}" y="${place + 4}" text-anchor="end">${value}</text>`);
  }
  return [
    ...lines,
    `<path d="M${left + NONE_WIDTH} ${top}V${bottom}" stroke="#aaa" stroke-dasharray="2 3"/>`,
    `<text x="${xNone}" y="${bottom + 18}" text-anchor="middle">none</text>`,
    `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="#888"/>`,
  ];
}

function budgetSvg(budget: number, { x }: Axes, { top, bottom }: Frame): string[] {
  const place = x.place(budget);
  return [
    `<path d="M${place} ${top}V${bottom}" stroke="#666" stroke-dasharray="5 4"/>`,
    `<text x="${place + 5}" y="${top + 15}" fill="#555" stroke="#fff" stroke-width="3" paint-order="stroke">budget</text>`,
  ];
}

function seriesSvg(
  { points, style }: PlotSeries,
  { x, y, xNone }: Axes,
  index: number,
): { line: string; marks: string } {
  const placed = points
    .filter(({ detectionIntervals }) => detectionIntervals > 0 && Number.isFinite(detectionIntervals))
    .map(({ falseAlarmsPerDeviceYear, detectionIntervals }) => [
      falseAlarmsPerDeviceYear > 0 ? x.place(falseAlarmsPerDeviceYear) : xNone,
      y.place(detectionIntervals),
    ]);
  const line = `<path d="M${placed.map((at) => at.join(' ')).join('L')}" fill="none" stroke="${colorAt(index)}" stroke-width="1.8"/>`;
  const marks = placed.map(([atX, atY]) => mark(atX as number, atY as number, index));
  return {
    line: style === 'mark' || placed.length === 0 ? '' : line,
    marks: style === 'line' ? '' : marks.join(''),
  };
}

function colorAt(index: number): string {
  return COLORS[index % COLORS.length] as string;
}

/** Outlines of about the same weight, so that series differ without their colour too. */
const SHAPES = [
  'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0',
  'M-4.5-4.5h9v9h-9z',
  'M0-6L6 5H-6z',
  'M0-6.5L6 0L0 6.5L-6 0z',
];

function mark(x: number, y: number, index: number): string {
  const shape = SHAPES[index % SHAPES.length] as string;
  return `<path transform="translate(${x} ${y})" d="${shape}" fill="${colorAt(index)}" stroke="#fff"/>`;
}
