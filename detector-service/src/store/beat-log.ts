/**
 * What was heard, raw, for whoever asks for it: the series `device_beat`, `device_event` and `monitor_hearing`, in a
 * journal of their own that is kept for a short time. They hold all that a detector was told, so that it can be told
 * again. A luxury: when the disk is behind they are dropped and counted, and nobody waits for them.
 */
import type { BeatEvidence, DeviceEvidence } from '../detector/index.ts';
import type { Journal } from './journal.ts';
import { escapeTag, type FieldValue, formatField } from './line-protocol.ts';
import { tidy } from './rollup-line.ts';

/** What is known of a message beside what it told the detector. */
export interface RawTold {
  /** Where the device hangs, which a message need not repeat. */
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  /** What became of it; one of the detector's words. */
  readonly outcome: string;
  readonly roundTripMs?: number | undefined;
  readonly delayMs?: number | undefined;
  readonly lateMs?: number | undefined;
  readonly batteryPercent?: number | undefined;
  readonly rssiDbm?: number | undefined;
}

export class BeatLog implements AsyncDisposable {
  readonly journal: Journal;
  dropped = 0;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** A message of a device. */
  write(evidence: DeviceEvidence, told: RawTold, at: number): void {
    this.#append(evidence.kind === 'beat' ? formatBeat(evidence, told, at) : formatEvent(evidence, told, at));
  }

  /** Whether the monitor could hear from then on. */
  hearing(hears: boolean, at: number): void {
    this.#append(`monitor_hearing hears=${hears} ${at}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.journal.close();
  }

  #append(line: string): void {
    this.journal.append([line]).catch(() => {
      this.dropped++;
    });
  }
}

export function formatBeat(beat: BeatEvidence, told: RawTold, at: number): string {
  const measured = {
    rtt_ms: measuredValue(told.roundTripMs),
    delay_ms: measuredValue(told.delayMs),
    late_ms: measuredValue(told.lateMs),
    battery: measuredValue(told.batteryPercent),
    rssi: measuredValue(told.rssiDbm),
  };
  const fields = { seq: whole(beat.seq), ...identity(beat), ...schedule(beat), ...measured };
  return lineOf('device_beat', beat, told, fields, at);
}

function formatEvent(event: Exclude<DeviceEvidence, BeatEvidence>, told: RawTold, at: number): string {
  const fields: Fields = event.kind === 'traffic' ? {} : identity(event);
  if (event.kind === 'birth') Object.assign(fields, { interval_ms: event.intervalMs }, schedule(event));
  if (event.kind === 'bye') {
    const { sleepMs, maintenanceMs, retire } = event;
    Object.assign(fields, { sleep_ms: sleepMs, maintenance_ms: maintenanceMs, retire });
  }
  return lineOf('device_event', event, told, fields, at);
}

type Fields = Record<string, FieldValue | undefined>;

function identity({ generation, session }: Pick<BeatEvidence, 'generation' | 'session'>): Fields {
  return { gen: whole(generation), session: whole(session) };
}

function schedule({ nextMs, uptimeMs }: Pick<BeatEvidence, 'nextMs' | 'uptimeMs'>): Fields {
  return { next_ms: nextMs, uptime_s: uptimeMs === undefined ? undefined : uptimeMs / 1000 };
}

/** To the microsecond, or whatever a thousandth of it is: more is noise. */
function measuredValue(value: number | undefined): number | undefined {
  return value === undefined ? undefined : tidy(value);
}

function whole(count: number | undefined): bigint | undefined {
  return count === undefined ? undefined : BigInt(count);
}

function lineOf(series: string, evidence: DeviceEvidence, told: RawTold, fields: Fields, at: number): string {
  const { deviceClass, device, kind } = evidence;
  const { outcome, site, gateway } = told;
  let line = `${series},class=${escapeTag(deviceClass)},device=${escapeTag(device)}`;
  if (kind !== 'beat') line += `,kind=${kind}`;
  if (site) line += `,site=${escapeTag(site)}`;
  line += ` outcome=${formatField(outcome)}`;
  for (const [name, value] of Object.entries({ ...fields, gateway })) {
    if (value !== undefined) line += `,${name}=${formatField(value)}`;
  }
  return `${line} ${at}`;
}
