/** What will bring an InfluxDB into trouble later: its limits, and a clock that differs from ours. */
import type { InfluxConnection } from './influx-connection.ts';
import type { DoctorFinding } from './influx-doctor.ts';
import { type InfluxSeries, runInfluxQl } from './influxql.ts';

/** A clock may differ by so much before points land in another minute than ours. */
const CLOCK_OFF_MAX_MS = 5000;

/** From this share of a limit on there is little time left. */
const NEARLY = 0.8;

/** Points carry the instants of our clock, so a server whose clock differs shows "now" at the wrong place. */
export function clockFinding(date: string | undefined, now: number): DoctorFinding {
  const serverAt = Date.parse(date ?? '');
  if (Number.isNaN(serverAt)) return { isOk: true, text: 'its clock was not told' };
  // The header has whole seconds, so the server's instant lies up to one later.
  const offMs = Math.max(0, now - serverAt - 1000, serverAt - now);
  const off = `its clock differs from ours by ${(offMs / 1000).toFixed(0)} s`;
  if (offMs <= CLOCK_OFF_MAX_MS) return { isOk: true, text: 'its clock agrees with ours' };
  return { isOk: false, text: off, remedy: 'let NTP set both clocks' };
}

/**
 * 1.x: how close the database is to the limits of the in-memory index, the default there: beyond them points of new
 * devices are refused, or lost with a success that says nothing. Over HTTP a server tells its limits, but not which
 * index it uses; with `tsi1` the first does not hold.
 * @throws StoreError as {@link runInfluxQl} does.
 */
export async function limitFindings(connection: InfluxConnection): Promise<DoctorFinding[]> {
  const diagnostics = await runInfluxQl(connection, 'SHOW DIAGNOSTICS');
  const tagMax = numberOf(diagnostics, 'max-values-per-tag');
  const seriesMax = numberOf(diagnostics, 'max-series-per-database');
  const devices = cardinality(
    await runInfluxQl(connection, 'SHOW TAG VALUES EXACT CARDINALITY FROM device_state WITH KEY = "device"'),
  );
  // The exact count counts a series once for each shard.
  const series = cardinality(await runInfluxQl(connection, 'SHOW SERIES CARDINALITY'));
  return [
    limitFinding(devices, tagMax, 'devices', 'max-values-per-tag', 'values of a tag'),
    limitFinding(series, seriesMax, 'series', 'max-series-per-database', 'series in a database'),
  ];
}

function limitFinding(
  used: number,
  max: number | undefined,
  what: string,
  knob: string,
  of: string,
): DoctorFinding {
  const count = used.toLocaleString('en');
  if (!max) return { isOk: true, text: `${count} ${what}; no limit on ${of}` };
  const text = `${count} ${what} of ${max.toLocaleString('en')} ${of} (${knob}), which hold for the in-memory index`;
  if (used < NEARLY * max) return { isOk: true, text };
  const remedy = `set index-version = "tsi1" and ${knob} = 0 under [data], convert with influx_inspect buildtsi, restart`;
  return { isOk: false, text: `${text}: beyond it new ${what} are lost`, remedy };
}

/** A number among the diagnostics, whatever table holds it. */
function numberOf(series: readonly InfluxSeries[], column: string): number | undefined {
  for (const { columns, values } of series) {
    const value = values[0]?.[columns.indexOf(column)];
    if (typeof value === 'number') return value;
  }
  return undefined;
}

function cardinality(series: readonly InfluxSeries[]): number {
  return series.flatMap(({ values }) => values).reduce((sum, row) => sum + Number(row.at(-1) ?? 0), 0);
}
