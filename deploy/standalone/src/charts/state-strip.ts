/** A device's time as a strip: in the terminal as characters, on paper as SVG. */
import type { TimeZone, UptimeNumbers, UptimeRow, Window } from '@slowbeat/detector-service/uptime';
import type { Terminal } from '../terminal.ts';
import { COLORS, escapeXml, svgDocument, timeTicks } from './svg.ts';

type Colors = Terminal['colors'];

export const STRIP_LEGEND = '─ up   ▄ partly down   █ mostly down   · unknown';

/** One character per slot; readable without colours too. */
export function terminalStrip(slots: readonly UptimeNumbers[], colors: Colors): string {
  return slots
    .map(({ upMs, downMs, unknownMs }) => {
      if (downMs > 0) return colors.red(downMs > (upMs + downMs + unknownMs) / 2 ? '█' : '▄');
      return upMs > 0 ? colors.green('─') : colors.dim('·');
    })
    .join('');
}

const WIDTH = 920;
const NAME_WIDTH = 190;
const PERCENT_WIDTH = 90;
const ROW_HEIGHT = 18;
const BAR_HEIGHT = 12;
const TOP = 34;

/** A strip for each row, one above the other; rows need slots. */
export function stripsSvg(title: string, window: Window, zone: TimeZone, rows: readonly UptimeRow[]): string {
  const height = TOP + rows.length * ROW_HEIGHT + 28;
  const right = WIDTH - PERCENT_WIDTH;
  const place = (at: number): number =>
    NAME_WIDTH + ((right - NAME_WIDTH) * (at - window.from)) / (window.to - window.from);
  const parts = [`<text x="8" y="20" font-size="14" font-weight="bold">${escapeXml(title)}</text>`];
  for (const [index, row] of rows.entries()) {
    const y = TOP + index * ROW_HEIGHT;
    const name = `${row.deviceClass}/${row.device}`;
    const percent = row.uptimePercent === undefined ? '–' : `${row.uptimePercent.toFixed(3)} %`;
    parts.push(
      `<text x="${NAME_WIDTH - 8}" y="${y + 10}" text-anchor="end">${escapeXml(shortened(name))}</text>`,
      ...(row.slots ?? []).map((slot) => slotSvg(slot, place(slot.from), place(slot.to), y)),
      `<text x="${right + 8}" y="${y + 10}">${percent}</text>`,
    );
  }
  parts.push(...legend(right));
  const bottom = TOP + rows.length * ROW_HEIGHT;
  for (const { at, text } of timeTicks(window, zone)) {
    const x = place(at).toFixed(1);
    parts.push(`<path d="M${x} ${TOP - 4}V${bottom}" stroke="#0003"/>`);
    parts.push(`<text x="${x}" y="${bottom + 14}" text-anchor="middle" fill="#555">${text}</text>`);
  }
  return svgDocument(WIDTH, height, parts);
}

function legend(right: number): string[] {
  return Object.entries({ up: COLORS.up, down: COLORS.down, unknown: COLORS.unknown }).flatMap(
    ([name, color], index) => {
      const x = right - 190 + 64 * index;
      return [
        `<rect x="${x}" y="11" width="10" height="10" fill="${color}"/>`,
        `<text x="${x + 14}" y="20">${name}</text>`,
      ];
    },
  );
}

/** Its parts stand one above the other: down below, where the eye looks for what is missing. */
function slotSvg(
  { upMs, downMs, unknownMs }: UptimeNumbers,
  left: number,
  right: number,
  top: number,
): string {
  const wholeMs = upMs + downMs + unknownMs;
  let y = top;
  return [
    [unknownMs, COLORS.unknown],
    [upMs, COLORS.up],
    [downMs, COLORS.down],
  ]
    .map(([ms, color]) => {
      const height = (BAR_HEIGHT * (ms as number)) / wholeMs;
      const rect = `<rect x="${left.toFixed(2)}" y="${y.toFixed(2)}" width="${(right - left + 0.1).toFixed(2)}" height="${height.toFixed(2)}" fill="${color}"/>`;
      y += height;
      return height > 0 ? rect : '';
    })
    .join('');
}

function shortened(name: string): string {
  return name.length <= 28 ? name : `${name.slice(0, 27)}…`;
}
