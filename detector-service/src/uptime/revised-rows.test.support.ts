/** Lines as rows of a table, as InfluxDB 3 keeps what the sender writes there: `rev` is a tag, and a row of its own. */
import type { DuckDbTable } from '@slowbeat/test-servers/duckdb';
import { parsePoint } from '../store/line-protocol.ts';
import { asToldTo } from '../store/revision.ts';

type Columns = DuckDbTable['columns'];

const TAGS: Columns = { class: 'VARCHAR', device: 'VARCHAR', site: 'VARCHAR', rev: 'VARCHAR' };

export const STATE_COLUMNS: Columns = {
  ...TAGS,
  state: 'BIGINT',
  status: 'VARCHAR',
  prev: 'VARCHAR',
  prev_ms: 'BIGINT',
  up_total_ms: 'BIGINT',
  down_total_ms: 'BIGINT',
  unknown_total_ms: 'BIGINT',
  seq: 'BIGINT',
  phi: 'DOUBLE',
  reason: 'VARCHAR',
  held_ms: 'BIGINT',
};

export const SLOT_COLUMNS: Columns = {
  ...TAGS,
  up_ms: 'BIGINT',
  down_ms: 'BIGINT',
  unknown_ms: 'BIGINT',
  transitions: 'BIGINT',
  state_end: 'VARCHAR',
  beats: 'BIGINT',
  expected_beats: 'BIGINT',
  lat_count: 'BIGINT',
  lat_min_ms: 'DOUBLE',
  lat_sum_ms: 'DOUBLE',
  lat_max_ms: 'DOUBLE',
  lat_p50_ms: 'DOUBLE',
  lat_p95_ms: 'DOUBLE',
  lat_kind: 'VARCHAR',
};

/** The points of one measurement among lines of a journal. */
export function revisedTable(measurement: string, columns: Columns, lines: readonly string[]): DuckDbTable {
  const rows = lines.flatMap((line) => {
    const point = line.startsWith(`${measurement},`) && parsePoint(asToldTo('tag-all', line));
    if (!point) return [];
    const fields = Object.entries(point.fields).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : value,
    ]);
    return [{ ...point.tags, ...Object.fromEntries(fields), ms: point.at }];
  });
  return { columns, rows };
}
