/** A journal's state in words and tables. */
import type { JournalStatus, SegmentReport } from '@slowbeat/detector-service/store';
import { textTable } from './text-table.ts';

const MIB = 1_048_576;

export function statusText({ segments, bytes, cursors, deadLetters }: JournalStatus): string {
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const mebibytes = (count: number): string => (count / MIB).toFixed(1);
  const table = textTable(
    [{ title: 'day' }, right('MiB'), right('indexed')],
    segments.map((segment) => [
      segment.segment,
      mebibytes(segment.bytes),
      segment.bytes === 0 ? '-' : `${Math.floor((100 * segment.indexedBytes) / segment.bytes)} %`,
    ]),
  );
  const lines = [...table, `${segments.length} days, ${mebibytes(bytes)} MiB`];
  for (const { target, position, lagBytes } of cursors) {
    const lag =
      lagBytes === 0 ? 'has everything' : `is ${mebibytes(lagBytes)} MiB behind, at ${position.segment}`;
    lines.push(`${target} ${lag}`);
  }
  if (cursors.length === 0) lines.push('never delivered to a database');
  for (const { reason, lines: count } of deadLetters) lines.push(`${count} dead letters: ${reason}`);
  return `${lines.join('\n')}\n`;
}

const INDEX_WORDS: Readonly<Record<SegmentReport['index'], string>> = {
  none: 'no index',
  behind: 'index behind',
  differs: 'CHANGED since it was indexed',
  whole: 'index whole',
};

export function reportOf(report: SegmentReport): string {
  const { segment, lines, damagedLines, damage, tornBytes, index } = report;
  const torn = tornBytes > 0 ? `, ${tornBytes} bytes of an unfinished line` : '';
  const head = `${segment}: ${lines} lines, ${damagedLines} damaged, ${INDEX_WORDS[index]}${torn}`;
  const details = damage.map(({ offset, reason }) => `  byte ${offset}: ${reason}`);
  if (damagedLines > damage.length) details.push(`  and ${damagedLines - damage.length} more`);
  return `${[head, ...details].join('\n')}\n`;
}
