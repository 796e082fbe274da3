/** What a monitor was told, as its journal of raw heartbeats holds it: to tell it to a detector again. */
import type { DeviceEvidence, Evidence } from '../detector/index.ts';
import { journalReader } from './journal-reader.ts';
import { type FieldValue, type Point, parsePoint } from './line-protocol.ts';

export interface RecordedEvidence {
  /** When it was heard, epoch ms; never before the one that was written before it. */
  readonly at: number;
  readonly evidence: Evidence;
}

/** A journal of raw heartbeats being read: iterate over it once for its evidence in batches, in the order of hearing. */
export class RecordedTrace implements AsyncIterable<readonly RecordedEvidence[]> {
  /** What was left out so far, by reason. */
  readonly bad = new Map<'damaged' | 'unknown-class', number>();
  readonly #directory: string;
  readonly #classes: object;
  #at = Number.NEGATIVE_INFINITY;

  /** @param classes what can be judged, by name; evidence of others is left out and counted */
  constructor(directory: string, classes: object) {
    this.#directory = directory;
    this.#classes = classes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly RecordedEvidence[]> {
    for await (const { lines, damaged } of journalReader(this.#directory).read()) {
      this.#leftOut('damaged', damaged);
      yield lines.flatMap((line) => this.#read(line) ?? []);
    }
  }

  #read(line: string): RecordedEvidence | undefined {
    const point = parsePoint(line);
    const evidence = point && evidenceOf(point);
    if (point === undefined || evidence === undefined) return this.#leftOut('damaged', 1);
    if (evidence.kind !== 'monitor' && !Object.hasOwn(this.#classes, evidence.deviceClass))
      return this.#leftOut('unknown-class', 1);
    // Blind time is told when it is noticed, as of when it began: the detector takes that for now, too.
    this.#at = Math.max(this.#at, point.at);
    return { at: this.#at, evidence };
  }

  #leftOut(reason: 'damaged' | 'unknown-class', count: number): undefined {
    if (count > 0) this.bad.set(reason, (this.bad.get(reason) ?? 0) + count);
    return undefined;
  }
}

/** What `BeatLog` wrote. */
function evidenceOf({ measurement, tags, fields }: Point): Evidence | undefined {
  if (measurement === 'monitor_hearing')
    return typeof fields.hears === 'boolean' ? { kind: 'monitor', up: fields.hears } : undefined;
  const { class: deviceClass, device, site } = tags;
  if (deviceClass === undefined || device === undefined) return undefined;
  const who = { deviceClass, device, generation: number(fields.gen), session: number(fields.session) };
  const gateway = typeof fields.gateway === 'string' ? fields.gateway : undefined;
  const nextMs = number(fields.next_ms);
  const uptimeS = number(fields.uptime_s);
  const uptimeMs = uptimeS === undefined ? undefined : Math.round(1000 * uptimeS);
  if (measurement === 'device_beat')
    return { kind: 'beat', ...who, seq: number(fields.seq), nextMs, uptimeMs, site, gateway };
  if (measurement !== 'device_event') return undefined;
  switch (tags.kind as DeviceEvidence['kind']) {
    case 'birth':
      return {
        kind: 'birth',
        ...who,
        intervalMs: number(fields.interval_ms),
        nextMs,
        uptimeMs,
        site,
        gateway,
      };
    case 'bye': {
      const sleepMs = number(fields.sleep_ms);
      const maintenanceMs = number(fields.maintenance_ms);
      return { kind: 'bye', ...who, sleepMs, maintenanceMs, retire: fields.retire === true };
    }
    case 'will':
      return { kind: 'will', ...who };
    case 'pong':
      return { kind: 'pong', ...who };
    case 'traffic':
      return { kind: 'traffic', deviceClass, device };
    default:
      return undefined;
  }
}

function number(value: FieldValue | undefined): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
