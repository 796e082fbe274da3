/**
 * One line of a trace: what was heard of a device, or whether the monitor could hear, and when.
 *
 *     {"t":1700000000000,"kind":"beat","device":"d1","class":"meter","seq":12,"gen":1,"session":1,"next":900000}
 *
 * `t` is the arrival in epoch milliseconds; `next`, `interval`, `sleepMs` and `maintenanceMs` are milliseconds, `uptime` is
 * seconds. Fields that are not known are ignored.
 */
import { ANNOUNCED_MS_MAX, UPTIME_S_MAX } from '@slowbeat/device-sdk/protocol';
import type { Evidence } from '../detector/index.ts';
import {
  AMOUNT_MS,
  AMOUNT_S,
  COUNT,
  type FieldRule,
  FLAG,
  INSTANT,
  type JsonRecord,
  missing,
  NAME,
  parseRecord,
} from './json-line.ts';
import { LineProblem, quoted } from './trace-error.ts';

export interface TraceEvent {
  readonly at: number;
  readonly evidence: Evidence;
}

/** What the wire protocol would refuse no detector has to bear. */
const SILENCE: FieldRule = {
  holds: (value) => AMOUNT_MS.holds(value) && (value as number) <= ANNOUNCED_MS_MAX,
  expected: 'a number of milliseconds, not negative and at most 400 days',
};
/** An interval of nothing would be divided by. */
const INTERVAL: FieldRule = {
  holds: (value) => SILENCE.holds(value) && (value as number) >= 1,
  expected: 'a number of milliseconds from 1 to 400 days',
};
const UPTIME: FieldRule = {
  holds: (value) => AMOUNT_S.holds(value) && (value as number) <= UPTIME_S_MAX,
  expected: `a number of seconds, not negative and at most ${UPTIME_S_MAX}`,
};

const RULES: ReadonlyMap<string, FieldRule> = new Map([
  ['t', INSTANT],
  ['device', NAME],
  ['class', NAME],
  ['seq', COUNT],
  ['gen', COUNT],
  ['session', COUNT],
  ['next', SILENCE],
  ['interval', INTERVAL],
  ['uptime', UPTIME],
  ['site', NAME],
  ['gateway', NAME],
  ['broker', NAME],
  ['sleepMs', SILENCE],
  ['maintenanceMs', SILENCE],
  ['retire', FLAG],
  ['up', FLAG],
]);

const KINDS = 'birth, beat, will, bye, pong, traffic or monitor';

/** @param knows whether a class is configured; evidence of other classes cannot be judged */
export function parseTraceLine(
  text: string,
  knows: (deviceClass: string) => boolean,
): TraceEvent | LineProblem {
  const record = parseRecord(text, RULES);
  if (record instanceof LineProblem) return record;
  const at = record.t as number | undefined | null;
  if (at === undefined || at === null) return missing('t', INSTANT);
  if (record.kind === 'monitor') return monitorEvent(record, at);
  const device = record.device as string | undefined | null;
  const deviceClass = record.class as string | undefined | null;
  const evidence = deviceEvidence(record, device ?? '', deviceClass ?? '');
  if (evidence === undefined) {
    if (record.kind === undefined) {
      return new LineProblem('missing-field', `"kind" is missing; it must be ${KINDS}`);
    }
    return new LineProblem('bad-kind', `"kind" is ${quoted(record.kind)}; it must be ${KINDS}`);
  }
  if (evidence.device === '') return missing('device', NAME);
  if (evidence.deviceClass === '') return missing('class', NAME);
  if (!knows(evidence.deviceClass)) {
    return new LineProblem(
      'unknown-class',
      `"class" is ${quoted(deviceClass)}, which the class file does not hold; add it there with its interval`,
    );
  }
  return { at, evidence };
}

function monitorEvent({ up }: JsonRecord, at: number): TraceEvent | LineProblem {
  if (up === undefined || up === null) return missing('up', FLAG);
  return { at, evidence: { kind: 'monitor', up: up as boolean } };
}

/** Undefined when the kind is none of ours. The fields' types have been checked. */
function deviceEvidence(record: JsonRecord, device: string, deviceClass: string) {
  const generation = (record.gen ?? undefined) as number | undefined;
  const session = (record.session ?? undefined) as number | undefined;
  switch (record.kind) {
    case 'beat':
      return {
        kind: 'beat',
        device,
        deviceClass,
        generation,
        session,
        seq: (record.seq ?? undefined) as number | undefined,
        nextMs: (record.next ?? undefined) as number | undefined,
        uptimeMs: uptimeMs(record),
        ...placement(record),
      } as const;
    case 'birth':
      return {
        kind: 'birth',
        device,
        deviceClass,
        generation,
        session,
        nextMs: (record.next ?? undefined) as number | undefined,
        intervalMs: (record.interval ?? undefined) as number | undefined,
        uptimeMs: uptimeMs(record),
        ...placement(record),
      } as const;
    case 'bye':
      return {
        kind: 'bye',
        device,
        deviceClass,
        generation,
        session,
        sleepMs: (record.sleepMs ?? undefined) as number | undefined,
        maintenanceMs: (record.maintenanceMs ?? undefined) as number | undefined,
        retire: (record.retire ?? undefined) as boolean | undefined,
      } as const;
    case 'will':
      return { kind: 'will', device, deviceClass, generation, session } as const;
    case 'pong':
      return { kind: 'pong', device, deviceClass, generation, session } as const;
    case 'traffic':
      return { kind: 'traffic', device, deviceClass } as const;
    default:
      return undefined;
  }
}

function uptimeMs({ uptime }: JsonRecord): number | undefined {
  return uptime === undefined || uptime === null ? undefined : 1000 * (uptime as number);
}

function placement(record: JsonRecord) {
  return {
    site: (record.site ?? undefined) as string | undefined,
    gateway: (record.gateway ?? undefined) as string | undefined,
    broker: (record.broker ?? undefined) as string | undefined,
  };
}
