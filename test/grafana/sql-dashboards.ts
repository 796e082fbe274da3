/**
 * The dashboards for InfluxDB 3, made from those in InfluxQL. There a point that was put right is a row of its own with
 * a greater `rev`, which InfluxQL cannot prefer: panels that read such points ask in SQL for the newest content of each.
 * The others stay as they are.
 */

export interface Target {
  readonly query?: string;
  readonly rawSql?: string;
}
export interface Panel {
  readonly title: string;
  readonly targets: readonly Target[];
}
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
}

const SQL_SOURCE = { type: 'influxdb', uid: 'slowbeat-v3-sql' };

/** What is to be seen on each dashboard, besides the time. */
const CONDITIONS: Readonly<Record<string, string>> = {
  'slowbeat-fleet': `class IN (\${class:sqlstring})`,
  'slowbeat-site': `class IN (\${class:sqlstring}) AND site = \${site:sqlstring}`,
  'slowbeat-device': `class IN (\${class:sqlstring}) AND device = \${device:sqlstring}`,
};

const UPTIME = '100.0*SUM(up_ms)/NULLIF(SUM(up_ms)+SUM(down_ms), 0)';
const IN_RANGE = '$__timeFilter(time)';
/** The state before the range is the last of the 25 hours before it. */
const IN_RANGE_AND_BEFORE = `time >= $__timeFrom - INTERVAL '25 hours' AND time <= $__timeTo`;

/** When history is put right, a slot is told anew at all sites of its device, with one `rev`. */
function slots(measurement: 'device_1h' | 'device_1d', where: string): string {
  return contents(measurement, `${IN_RANGE} AND ${where}`, 'class, device, time');
}

/** At the instant of a move there are two points, a farewell and the first one of the new site. */
function verdicts(range: string, where: string): string {
  return contents('device_state', `${range} AND ${where}`, `class, device, time, reason = 'moved'`);
}

function contents(measurement: string, where: string, point: string): string {
  const age = `RANK() OVER (PARTITION BY ${point} ORDER BY rev DESC NULLS LAST) AS age`;
  return `(SELECT *, ${age} FROM ${measurement} WHERE ${where}) AS contents WHERE age = 1`;
}

type Query = (where: string) => string;

const QUERIES: Readonly<Record<string, { readonly format: 'table' | 'time_series'; readonly query: Query }>> =
  {
    Uptime: {
      format: 'table',
      query: (where) => `SELECT ${UPTIME} AS uptime FROM ${slots('device_1h', where)}`,
    },
    Coverage: {
      format: 'table',
      query: (where) =>
        `SELECT 100.0*(SUM(up_ms)+SUM(down_ms))/SUM(up_ms+down_ms+unknown_ms) AS coverage FROM ${slots('device_1h', where)}`,
    },
    'Time down': {
      format: 'table',
      query: (where) => `SELECT SUM(down_ms) AS down FROM ${slots('device_1h', where)}`,
    },
    'Uptime by day': {
      format: 'time_series',
      query: (where) =>
        `SELECT time, class, ${UPTIME} AS uptime FROM ${slots('device_1d', where)} GROUP BY time, class ORDER BY time`,
    },
    'Uptime by class and site': {
      format: 'table',
      query: (where) =>
        `SELECT class, site, ${UPTIME} AS uptime, SUM(down_ms) AS down, SUM(unknown_ms) AS unknown FROM ${slots('device_1h', where)} GROUP BY class, site ORDER BY class, site`,
    },
    // What was heard stands in the content that was written first, and only there.
    Devices: {
      format: 'table',
      query: (where) =>
        `SELECT times.class, times.device, uptime, down, unknown, success FROM (SELECT class, device, ${UPTIME} AS uptime, SUM(down_ms) AS down, SUM(unknown_ms) AS unknown FROM ${slots('device_1h', where)} GROUP BY class, device) AS times LEFT JOIN (SELECT class, device, 100.0*SUM(beats)/NULLIF(SUM(expected_beats), 0) AS success FROM device_1h WHERE ${IN_RANGE} AND ${where} GROUP BY class, device) AS heard ON times.class = heard.class AND times.device = heard.device ORDER BY times.class, times.device`,
    },
    'Late and lost': {
      format: 'table',
      query: (where) =>
        `SELECT time, class, device, status, reason, phi, prev FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY class, device ORDER BY time DESC, reason = 'moved', rev DESC NULLS LAST) AS age FROM device_state WHERE time > now() - INTERVAL '25 hours' AND ${where}) AS newest WHERE age = 1 AND status IN ('suspect', 'dead', 'unreachable') ORDER BY class, device`,
    },
    State: {
      format: 'time_series',
      query: (where) =>
        `SELECT time, class, status FROM ${verdicts(IN_RANGE_AND_BEFORE, where)} AND reason <> 'moved' ORDER BY time`,
    },
    'Suspicion at each verdict': {
      format: 'time_series',
      query: (where) => `SELECT time, phi FROM ${verdicts(IN_RANGE, where)} ORDER BY time`,
    },
    Downtimes: {
      format: 'table',
      query: (where) =>
        `SELECT time, class, prev_ms, status, reason, held_ms FROM ${verdicts(IN_RANGE, where)} AND prev = 'dead' ORDER BY time DESC`,
    },
  };

/** The same dashboard for InfluxDB 3. */
export function inSql(dashboard: Dashboard): Dashboard {
  const where = CONDITIONS[dashboard.uid] as string;
  const panels = dashboard.panels.map((panel) => {
    const sql = QUERIES[panel.title];
    if (sql === undefined) return panel;
    const target = { refId: 'A', datasource: SQL_SOURCE, rawQuery: true, editorMode: 'code' };
    const targets = [{ ...target, format: sql.format, rawSql: sql.query(where) }];
    return { ...panel, datasource: SQL_SOURCE, targets };
  });
  const list = dashboard.templating.list.map((variable) =>
    variable.name === 'source'
      ? {
          ...variable,
          regex: '/Slowbeat \\(InfluxDB 3\\)/',
          current: { text: 'Slowbeat (InfluxDB 3)', value: 'slowbeat-v3' },
        }
      : variable,
  );
  const text = JSON.stringify({
    ...dashboard,
    uid: `${dashboard.uid}-v3`,
    title: `${dashboard.title} (InfluxDB 3)`,
    panels,
    templating: { list },
  });
  return JSON.parse(text.replaceAll(/\/d\/(slowbeat-\w+)/g, '/d/$1-v3'));
}
