/** What all charts as SVG have in common. */
import { type SlotLength, slotEdges, type TimeZone, type Window } from '@slowbeat/detector-service/uptime';

/** Okabe and Ito's palette, which stays apart for colour-blind readers. */
export const COLORS = {
  up: '#009e73',
  down: '#d55e00',
  unknown: '#d0d0d0',
  lines: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'],
} as const;

export function svgDocument(width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
      ' font-family="system-ui, sans-serif" font-size="11" fill="#222">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

const HOUR_MS = 3_600_000;
const TICKS_MAX = 8;

/** A few beginnings of hours, days, weeks or months, as a clock or calendar in the zone names them. */
export function timeTicks(window: Window, zone: TimeZone): { at: number; text: string }[] {
  const lengthMs = window.to - window.from;
  const by: SlotLength = lengthMs <= 36 * HOUR_MS ? 'hour' : lengthMs <= 70 * 24 * HOUR_MS ? 'day' : 'month';
  const starts = slotEdges(window, by, zone).slice(1, -1);
  const step = Math.ceil(starts.length / TICKS_MAX);
  return starts
    .filter((_, index) => index % step === 0)
    .map((at) => {
      const shown = zone.format(at);
      return {
        at,
        text: by === 'hour' ? shown.slice(11, 16) : by === 'day' ? shown.slice(5, 10) : shown.slice(0, 7),
      };
    });
}
