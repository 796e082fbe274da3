/** Uptime from the journal's own files: while the service writes them, and when it is stopped. */
import { type JournalReader, journalReader } from '../store/journal-reader.ts';
import { parseStateLine, STATE_MEASUREMENT, type StatePoint } from '../store/state-line.ts';
import { dayName } from '../store/utc-day.ts';
import { LOOK_BACK_MS, type Window } from './tally.ts';
import type { Selection, UptimeSource } from './uptime.ts';

/** Reads the journal in a directory; nothing is locked or changed. */
export function journalSource(directory: string): UptimeSource {
  const reader = journalReader(directory);
  return {
    endpoints: (select, window) => pointsOf(reader, select, window),
  };
}

/**
 * Every point of the window and its look-back. Segments are named by the day in which lines were appended, which
 * is never before the instant they tell of; restatements may come many days later, so reading goes on to the end.
 */
async function* pointsOf(
  reader: JournalReader,
  select: Selection,
  window: Window,
): AsyncGenerator<StatePoint> {
  const firstInstant = window.from - LOOK_BACK_MS;
  const prefix = `${STATE_MEASUREMENT}${needle('class', select.deviceClass)}`;
  const device = needle('device', select.device);
  for await (const { lines } of reader.read({ segment: dayName(firstInstant), offset: 0 })) {
    for (const line of lines) {
      if (!line.startsWith(prefix) || !line.includes(device)) continue;
      const at = Number(line.slice(line.lastIndexOf(' ') + 1));
      if (!(at > firstInstant && at <= window.to)) continue;
      const point = parseStateLine(line);
      if (point !== undefined && isSelected(point, select)) yield point;
    }
  }
}

/** A device's name as it stands in a line, unless it would need escapes: then every line is looked at. */
function needle(tag: string, value: string | undefined): string {
  return value !== undefined && /^[\w-]+$/.test(value) ? `,${tag}=${value}` : '';
}

function isSelected(point: StatePoint, { device, deviceClass, site }: Selection): boolean {
  return (
    (device === undefined || point.device === device) &&
    (deviceClass === undefined || point.deviceClass === deviceClass) &&
    (site === undefined || point.site === site)
  );
}
