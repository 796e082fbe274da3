/** Numbers and times as reports write them. */

import type { TimeZone } from '@slowbeat/detector-service/uptime';
import { span } from '../span.ts';
import type { ClassReport, SlaReport } from './sla.ts';

export function percent(value: number | undefined, digits = 3): string {
  return value === undefined ? '–' : `${value.toFixed(digits)} %`;
}

export function duration(ms: number | undefined): string {
  return ms === undefined ? '–' : span(ms);
}

/** `2026-10-01 00:00 to 2026-11-01 00:00, Europe/Berlin` */
export function windowText({ from, to, zone }: Pick<SlaReport, 'from' | 'to' | 'zone'>): string {
  return `${stamp(from, zone).slice(0, 16)} to ${stamp(to, zone).slice(0, 16)}, ${zone.name}`;
}

/** `2026-10-25 02:30:00` in the report's zone. */
export function stamp(at: number, zone: TimeZone): string {
  return zone.format(at).slice(0, 19).replace('T', ' ');
}

/** What is told of each class in one line, by name. */
export function factsOf({ uptime, below, downs }: ClassReport): [name: string, value: string][] {
  const betweenMs = downs.count === 0 ? undefined : uptime.upMs / downs.count;
  return [
    ['devices', String(uptime.devices)],
    ['below target', String(below)],
    ['time down', duration(uptime.downMs)],
    ['downtimes', String(downs.count)],
    ['mean time down (MTTR)', duration(downs.meanMs)],
    ['mean time up between (MTBF)', duration(betweenMs)],
    ['coverage', percent(uptime.coveragePercent, 1)],
  ];
}

export const EXPLANATION =
  'Uptime is up / (up + down), over all devices of the class. Time in which the monitor was blind, or a whole group ' +
  'was unreachable, is unknown: it counts neither for nor against a device. Coverage is the share of time that is known.';
