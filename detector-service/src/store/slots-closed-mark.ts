/** The line that follows when the hours of every device up to an instant are closed. */

export const SLOTS_CLOSED_MEASUREMENT = 'slots_closed';

export function slotsClosedMark(closedTo: number, devices: number): string {
  return `${SLOTS_CLOSED_MEASUREMENT} devices=${devices}i ${closedTo}`;
}

/** The instant up to which a line says that all hours are closed; undefined for every other line. */
export function slotsClosedTo(line: string): number | undefined {
  if (!line.startsWith(`${SLOTS_CLOSED_MEASUREMENT} `)) return undefined;
  const at = Number(line.slice(line.lastIndexOf(' ') + 1));
  return Number.isSafeInteger(at) ? at : undefined;
}
