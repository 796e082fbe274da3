/** Columns for people. */

export interface Column {
  readonly title: string;
  /** Numbers stand right, words left. */
  readonly align?: 'left' | 'right';
}

/** Lines of a table whose columns are as wide as their widest cell; `style` paints a cell after it is padded. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: (padded: string, row: number, column: number) => string = (padded) => padded,
): string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[], row: number): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        const width = widths[i] ?? 0;
        return style(align === 'right' ? cell.padStart(width) : cell.padEnd(width), row, i);
      })
      .join('  ')
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      -1,
    ),
    ...rows.map(line),
  ];
}
