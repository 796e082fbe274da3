/** Tables for programs (RFC 4180). */

export type Cell = string | number | undefined;

/** Lines with `\r\n`; a cell without a value is empty, instants are text in ISO 8601. */
export function csv(columns: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let text = csvLine(columns);
  for (const row of rows) text += csvLine(row);
  return text;
}

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(cell: Cell): string {
  const text = cell === undefined ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
