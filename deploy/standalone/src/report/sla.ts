/** What a service-level report tells of each class, whatever it is written as. */
import {
  type Downtime,
  downtimes,
  type LatencySum,
  latencySum,
  type PointSource,
  type Selection,
  type SlotLength,
  type TimeZone,
  type UptimeRow,
  type UptimeSum,
  uptimeSums,
  type Window,
} from '@slowbeat/detector-service/uptime';

/** Devices that a report names one by one. */
const WORST_MAX = 15;
const LONGEST_MAX = 10;
const DAY_MS = 86_400_000;

export interface SlaQuery extends Window {
  readonly source: PointSource;
  readonly select: Selection;
  readonly zone: TimeZone;
  /** Uptime that was promised, in percent. */
  readonly target: number;
}

export interface SlaReport extends Window {
  readonly zone: TimeZone;
  readonly by: SlotLength;
  readonly target: number;
  readonly classes: readonly ClassReport[];
}

export interface ClassReport {
  readonly name: string;
  readonly uptime: UptimeSum;
  /** Devices below the target. */
  readonly below: number;
  /** Those with the least uptime, the worst first. */
  readonly worst: readonly UptimeRow[];
  readonly downs: DownReport;
  /** Absent when no hour told any. */
  readonly latency: LatencySum | undefined;
}

export interface DownReport {
  readonly count: number;
  /** Mean time down; absent without any. */
  readonly meanMs: number | undefined;
  /** The longest in the window, longest first. */
  readonly longest: readonly Downtime[];
  /** How often each cause, the most frequent first. */
  readonly causes: readonly (readonly [cause: string, count: number])[];
}

/** Asks a source for all of it; memory grows with classes and days, not with devices. @throws as `uptime` does. */
export async function slaReport({ source, select, from, to, zone, target }: SlaQuery): Promise<SlaReport> {
  const by: SlotLength = to - from <= 3 * DAY_MS ? 'hour' : to - from <= 100 * DAY_MS ? 'day' : 'week';
  const ranks = new Map<string, { below: number; worst: UptimeRow[] }>();
  const { classes } = await uptimeSums({ source, select, from, to, by, zone }, (row) => {
    const rank = ranks.get(row.deviceClass) ?? { below: 0, worst: [] };
    ranks.set(row.deviceClass, rank);
    if (row.uptimePercent !== undefined && row.uptimePercent < target) rank.below++;
    insert(rank.worst, row, WORST_MAX, (one) => one.uptimePercent ?? Number.POSITIVE_INFINITY);
  });
  const reports: ClassReport[] = [];
  for (const [name, sum] of Object.entries(classes)) {
    const ofClass = { ...select, deviceClass: name };
    const { below = 0, worst = [] } = ranks.get(name) ?? {};
    const downs = await downReport(downtimes({ source, select: ofClass, from, to }));
    const latency = await latencySum({ source, select: ofClass, from, to, by, zone });
    reports.push({
      name,
      uptime: sum,
      below,
      worst,
      downs,
      latency: latency.beats > 0 ? latency : undefined,
    });
  }
  return { from, to, zone, by, target, classes: reports };
}

async function downReport(downs: AsyncIterable<Downtime>): Promise<DownReport> {
  const longest: Downtime[] = [];
  const causes = new Map<string, number>();
  let count = 0;
  let sumMs = 0;
  for await (const down of downs) {
    count++;
    sumMs += down.downMs;
    const cause = down.cause ?? 'unknown';
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
    insert(longest, down, LONGEST_MAX, ({ downMs }) => -downMs);
  }
  return {
    count,
    meanMs: count === 0 ? undefined : sumMs / count,
    longest,
    causes: [...causes].sort((a, b) => b[1] - a[1]),
  };
}

/** Keeps the items with the smallest ranks, in order. */
function insert<T>(kept: T[], item: T, max: number, rankOf: (item: T) => number): void {
  const place = kept.findIndex((other) => rankOf(item) < rankOf(other));
  if (place >= 0) kept.splice(place, 0, item);
  else if (kept.length < max) kept.push(item);
  if (kept.length > max) kept.pop();
}

/** `met`, `missed`, or that nothing is known. */
export function verdictOf({ uptimePercent }: UptimeSum, target: number): string {
  if (uptimePercent === undefined) return 'unknown';
  return uptimePercent >= target ? 'met' : 'missed';
}
