/** Values over time: as SVG, and in the terminal as a line of blocks. */
import type { TimeZone, Window } from '@slowbeat/detector-service/uptime';
import { COLORS, escapeXml, svgDocument, timeTicks } from './svg.ts';

export interface ChartLine {
  readonly name: string;
  /** Gaps where there is no value. */
  readonly points: readonly { readonly at: number; readonly value: number | undefined }[];
}

export interface LineChart extends Window {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly zone: TimeZone;
  /** How a value is written at the axis. */
  readonly label: (value: number) => string;
  /** Where the axis begins and ends; from 0 to the largest value unless given. */
  readonly range?: readonly [from: number, to: number];
  /** A value to hold the lines against, such as what was promised. */
  readonly mark?: { readonly value: number; readonly name: string } | undefined;
}

const WIDTH = 920;
const HEIGHT = 260;
const LEFT = 80;
const RIGHT = 780;
const TOP = 40;
const BOTTOM = 224;

export function lineChartSvg({ title, lines, from, to, zone, label, mark, ...rest }: LineChart): string {
  const values = lines.flatMap(({ points }) => points.flatMap(({ value }) => value ?? []));
  const [low, high] = rest.range ?? [0, niceAbove(Math.max(...values, mark?.value ?? 0, 1e-9))];
  const x = (at: number): string => (LEFT + ((RIGHT - LEFT) * (at - from)) / (to - from)).toFixed(1);
  const y = (value: number): string => (BOTTOM - ((BOTTOM - TOP) * (value - low)) / (high - low)).toFixed(1);
  const parts = [`<text x="8" y="20" font-size="14" font-weight="bold">${escapeXml(title)}</text>`];
  for (let step = 0; step <= 4; step++) {
    const value = low + ((high - low) * step) / 4;
    parts.push(`<path d="M${LEFT} ${y(value)}H${RIGHT}" stroke="#e4e4e4"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${label(value)}</text>`);
  }
  for (const { at, text } of timeTicks({ from, to }, zone)) {
    parts.push(`<path d="M${x(at)} ${TOP}V${BOTTOM}" stroke="#e4e4e4"/>`);
    parts.push(`<text x="${x(at)}" y="${BOTTOM + 16}" text-anchor="middle" fill="#555">${text}</text>`);
  }
  if (mark !== undefined && mark.value >= low && mark.value <= high) {
    parts.push(`<path d="M${LEFT} ${y(mark.value)}H${RIGHT}" stroke="#666" stroke-dasharray="5 4"/>`);
    parts.push(
      `<text x="${RIGHT + 8}" y="${Number(y(mark.value)) + 4}" fill="#555">${escapeXml(mark.name)}</text>`,
    );
  }
  for (const [index, { name, points }] of lines.entries()) {
    const color = COLORS.lines[index % COLORS.lines.length] as string;
    const path = pathOf(
      points.map(({ at, value }) => (value === undefined ? undefined : `${x(at)} ${y(value)}`)),
    );
    parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="1.8" stroke-linecap="round"/>`);
    const legendY = TOP + 6 + 18 * index;
    parts.push(`<path d="M${RIGHT + 60} ${legendY}h18" stroke="${color}" stroke-width="2"/>`);
    parts.push(`<text x="${RIGHT + 84}" y="${legendY + 4}">${escapeXml(name)}</text>`);
  }
  return svgDocument(WIDTH, HEIGHT, parts);
}

/** A point without neighbours is drawn as a dot: a line of no length with round ends. */
function pathOf(places: readonly (string | undefined)[]): string {
  return places
    .map((place, index) => {
      if (place === undefined) return '';
      return places[index - 1] === undefined ? `M${place}L${place}` : `L${place}`;
    })
    .join('');
}

/** The next of 1, 2, 5, 10, 20, … that is not below. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((digit) => digit * power >= value) ?? 10);
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** One character per value, from 0 to the largest; a space where there is none. */
export function sparkline(values: readonly (number | undefined)[], largest: number): string {
  return values
    .map((value) => {
      if (value === undefined) return ' ';
      const step = Math.round((value / (largest || 1)) * (BLOCKS.length - 1));
      return BLOCKS[Math.min(step, BLOCKS.length - 1)];
    })
    .join('');
}
