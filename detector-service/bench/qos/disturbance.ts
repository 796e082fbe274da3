/** One thing out of order, for a time, and whom it keeps from being heard. */
import type { Failure } from './core-families.ts';

export interface Span {
  readonly from: number;
  readonly until: number;
}

export interface Disturbance extends Failure, Span {
  /** The site or gateway. */
  readonly name: string;
}

/** Where a device is, and when it was really dead. */
export interface CoreDevice {
  readonly device: string;
  readonly site: string;
  readonly gateway: string;
  readonly deaths: readonly Span[];
}

/** Whether the monitor hears nobody while it lasts. */
export function isBlind({ of }: Disturbance): boolean {
  return of === 'monitor' || of === 'broker';
}

export function affects({ of, name }: Disturbance, { site, gateway }: CoreDevice): boolean {
  if (of === 'site') return name === site;
  return of === 'gateway' ? name === gateway : true;
}

export function overlap(span: Span, from: number, until: number): boolean {
  return span.from < until && from < span.until;
}
