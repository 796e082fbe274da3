/** One write request, and what its answer means for the lines in it. */
import type { Logger } from 'pino';
import { errorText, InfluxConnection, type InfluxResponse, networkErrorText } from './influx-connection.ts';
import { databaseOf, describeTarget, type InfluxTarget, writePath } from './influx-target.ts';
import { runInfluxQl } from './influxql.ts';
import { asToldTo, holdsRevisions, type Revising, revisingOf } from './revision.ts';

export type WriteOutcome =
  /** The server has every line. */
  | { readonly kind: 'written' }
  /** The server will never take some of the lines; `all` when it says that it took none. */
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly all: boolean;
      readonly isAboutContent: boolean;
    }
  | { readonly kind: 'too-large' }
  /** Somebody has to put something right first. */
  | {
      readonly kind: 'refused';
      readonly problem: string;
      readonly remedy: string;
      readonly isMissing: boolean;
    }
  /** It may work later by itself. */
  | { readonly kind: 'unavailable'; readonly problem: string; readonly retryAfterMs: number };

/** Phrases by which 1.x, 2.x and 3 say that a line is at fault and not the request. */
const CONTENT_AT_FAULT =
  /pars(e|ing)|partial write|field type conflict|line protocol|beyond retention|outside range|max-(series|values)|(missing|invalid) (field|tag|measurement|number|timestamp)/i;

export class InfluxWriter {
  readonly #connection: InfluxConnection;
  readonly #target: InfluxTarget;
  /** On this machine: compressing would cost more than it saves. */
  readonly #isNear: boolean;
  /** InfluxDB 3 is told a bucket, as 2.x is. */
  readonly #mayBe3: boolean;
  #revising: Revising | undefined;

  constructor(target: InfluxTarget, timeoutMs: number) {
    this.#target = target;
    this.#mayBe3 = target.bucket !== undefined;
    this.#isNear = /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(target.url);
    this.#connection = new InfluxConnection(target, timeoutMs);
  }

  /** Never throws; an interrupted request is `unavailable`. */
  async write(lines: string, signal: AbortSignal): Promise<WriteOutcome> {
    const path = writePath(this.#target);
    try {
      if (this.#mayBe3 || holdsRevisions(lines)) this.#revising ??= await this.#askRevising(signal);
      const response = await this.#connection.request({
        method: 'POST',
        path,
        body: this.#revising === undefined ? lines : asToldTo(this.#revising, lines),
        gzip: !this.#isNear,
        signal,
      });
      return this.#judge(response, lines);
    } catch (error) {
      const problem = `${this.#target.url} cannot be reached: ${networkErrorText(error)}`;
      return { kind: 'unavailable', problem, retryAfterMs: 0 };
    }
  }

  /** Asked once: before anything is written, or when it first matters. */
  async #askRevising(signal: AbortSignal): Promise<Revising> {
    const { status, headers } = await this.#connection.request({ method: 'GET', path: '/ping', signal });
    if (mayWorkLater(status)) throw new Error(`its version cannot be told (${status})`);
    return revisingOf(headers['x-influxdb-version']?.toString(), this.#mayBe3);
  }

  /** Creates the 1.x database. @throws StoreError */
  async createDatabase(logger: Logger, retentionMs?: number): Promise<void> {
    const name = databaseOf(this.#target);
    const keeping = retentionMs === undefined ? '' : ` WITH DURATION ${Math.ceil(retentionMs / 3_600_000)}h`;
    const statement = `CREATE DATABASE "${name.replace(/["\\]/g, '\\$&')}"${keeping}`;
    await runInfluxQl(this.#connection, statement);
    logger.info(
      { database: name, url: this.#target.url },
      'influx: created the database, for it was missing',
    );
  }

  close(): void {
    this.#connection.close();
  }

  #judge(response: InfluxResponse, lines: string): WriteOutcome {
    const { status } = response;
    if (status === 204) return { kind: 'written' };
    const said = errorText(response);
    if (status === 413) return { kind: 'too-large' };
    // 201 is how 3.x cloud editions say that they took some of the lines.
    if (status === 400 || status === 422 || status === 201) {
      const dropped = /dropped=(\d+)/.exec(said)?.[1];
      return {
        kind: 'rejected',
        reason: `${status}: ${said}`,
        all: dropped !== undefined && Number(dropped) >= lines.split('\n').length,
        isAboutContent: status !== 400 || CONTENT_AT_FAULT.test(said),
      };
    }
    if (mayWorkLater(status)) {
      const problem = `${this.#target.url} is not ready (${status}): ${said}`;
      return { kind: 'unavailable', problem, retryAfterMs: retryAfterMs(response) };
    }
    return { kind: 'refused', ...this.#refusal(status, said), isMissing: status === 404 };
  }

  #refusal(status: number, said: string): { problem: string; remedy: string } {
    const where = describeTarget(this.#target);
    const isV1 = this.#target.bucket === undefined;
    if (status === 401) {
      const remedy = isV1 ? 'check INFLUX_USERNAME and INFLUX_PASSWORD' : 'check INFLUX_TOKEN';
      return { problem: `${where} does not know who we are (401): ${said}`, remedy };
    }
    if (status === 403) {
      const remedy = isV1
        ? `GRANT WRITE ON "${this.#target.database}" to that user`
        : 'use a token that may write to the bucket';
      return { problem: `${where} does not let us write (403): ${said}`, remedy };
    }
    if (status === 404) {
      const remedy = isV1
        ? `CREATE DATABASE "${this.#target.database}" there, or for 2.x set INFLUX_BUCKET instead`
        : 'create the bucket, or for InfluxDB before 1.8 set INFLUX_DATABASE instead';
      return { problem: `${where} is not there (404): ${said}`, remedy };
    }
    return {
      problem: `${where} answered ${status} where InfluxDB answers 204: ${said}`,
      remedy: 'check that INFLUX_URL leads to InfluxDB, and not to a proxy or another service',
    };
  }
}

function mayWorkLater(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** `Retry-After` counts seconds, or names an instant as HTTP dates do. */
export function retryAfterMs(response: InfluxResponse): number {
  const header = response.headers['retry-after'];
  if (typeof header !== 'string') return 0;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  const sentAt = Date.parse(String(response.headers.date));
  return Number.isNaN(at) || Number.isNaN(sentAt) ? 0 : Math.max(0, at - sentAt);
}
