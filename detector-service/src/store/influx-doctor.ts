/** Looks whether an InfluxDB is ready for us, and says what to do when it is not. */
import { errorText, InfluxConnection, type InfluxResponse, networkErrorText } from './influx-connection.ts';
import { clockFinding, limitFindings } from './influx-limits.ts';
import { databaseOf, describeTarget, type InfluxTarget } from './influx-target.ts';
import { queryInfluxQl } from './influxql.ts';

export interface DoctorFinding {
  readonly isOk: boolean;
  readonly text: string;
  readonly remedy?: string;
}

export interface DoctorReport {
  readonly isReachable: boolean;
  /** As the server says it: `1.6.7`, `v2.7.1`. */
  readonly version?: string | undefined;
  /** True when points can be written now, as far as asking tells. */
  readonly isReady: boolean;
  readonly findings: readonly DoctorFinding[];
}

/** Asks a server for its version and for the database or bucket. Never throws for what the server does. */
export async function influxDoctor(target: InfluxTarget, timeoutMs = 5000): Promise<DoctorReport> {
  const connection = new InfluxConnection(target, timeoutMs);
  try {
    const { headers } = await connection.request({ method: 'GET', path: '/ping' });
    const version = headers['x-influxdb-version']?.toString();
    const reached: DoctorFinding = {
      isOk: true,
      text: `${target.url} answers, version ${version ?? 'not told'}`,
    };
    const place = await (target.bucket === undefined
      ? findDatabase(connection)
      : /^v?3\./.test(version ?? '')
        ? findDatabase3(connection)
        : findBucket(connection));
    const clock = clockFinding(headers.date?.toString(), Date.now());
    const limits = place.isOk && version?.startsWith('1.') ? await limits1x(connection) : [];
    return { isReachable: true, version, isReady: place.isOk, findings: [reached, place, clock, ...limits] };
  } catch (error) {
    const finding = {
      isOk: false,
      text: `${target.url} cannot be reached: ${networkErrorText(error)}`,
      remedy: 'start InfluxDB, or correct INFLUX_URL',
    };
    return { isReachable: false, isReady: false, findings: [finding] };
  } finally {
    connection.close();
  }
}

/** Who may write need not be allowed to look at diagnostics. */
async function limits1x(connection: InfluxConnection): Promise<DoctorFinding[]> {
  try {
    return await limitFindings(connection);
  } catch (error) {
    return [{ isOk: true, text: `its limits cannot be seen: ${(error as Error).message}` }];
  }
}

async function findDatabase(connection: InfluxConnection): Promise<DoctorFinding> {
  const { target } = connection;
  try {
    for await (const { values } of queryInfluxQl(connection, 'SHOW DATABASES')) {
      if (values.some(([name]) => name === target.database)) {
        return { isOk: true, text: `${describeTarget(target)} is there` };
      }
    }
  } catch (error) {
    const remedy = 'check INFLUX_USERNAME, INFLUX_PASSWORD and that this is an InfluxDB 1.x';
    return { isOk: false, text: (error as Error).message, remedy };
  }
  const remedy = `CREATE DATABASE "${databaseOf(target)}"`;
  return { isOk: false, text: `${describeTarget(target)} is not there`, remedy };
}

async function findBucket(connection: InfluxConnection): Promise<DoctorFinding> {
  const { target } = connection;
  const query = new URLSearchParams({
    name: target.bucket ?? '',
    ...(target.org ? { org: target.org } : {}),
  });
  const response = await connection.request({ method: 'GET', path: `/api/v2/buckets?${query}` });
  if (response.status === 200 && holdsBucket(response))
    return { isOk: true, text: `${describeTarget(target)} is there` };
  const remedy = 'create the bucket, or check INFLUX_TOKEN, INFLUX_ORG and INFLUX_BUCKET';
  const said = response.status === 200 ? 'no such bucket' : errorText(response);
  return { isOk: false, text: `${describeTarget(target)}: ${said}`, remedy };
}

/** InfluxDB 3 calls a bucket a database, and makes one that is missing when it is first written to. */
async function findDatabase3(connection: InfluxConnection): Promise<DoctorFinding> {
  const { target } = connection;
  const path = '/api/v3/configure/database?format=json';
  const response = await connection.request({ method: 'GET', path });
  if (response.status !== 200) {
    const remedy = 'check INFLUX_TOKEN';
    return { isOk: false, text: `${describeTarget(target)}: ${errorText(response)}`, remedy };
  }
  const names = (Array.isArray(response.body) ? response.body : []).flatMap(Object.values);
  const isThere = names.includes(databaseOf(target));
  return {
    isOk: true,
    text: `${describeTarget(target)} ${isThere ? 'is there' : 'is made when it is first written to'}`,
  };
}

function holdsBucket({ body }: InfluxResponse): boolean {
  const { buckets } = (body ?? {}) as { buckets?: unknown };
  return Array.isArray(buckets) && buckets.length > 0;
}
