/**
 * Raw heartbeats, for whoever asks for them: the series `device_beat`, in a journal of its own that is kept for a short
 * time. A luxury: when the disk is behind they are dropped and counted, and nobody waits for them.
 */

import type { DeviceKey } from './device-key.ts';
import type { Journal } from './journal.ts';
import { escapeTag, formatField } from './line-protocol.ts';
import { tidy } from './rollup-line.ts';

export interface RawBeat extends DeviceKey {
  readonly site?: string | undefined;
  /** What became of it; one of the detector's words. */
  readonly outcome: string;
  readonly seq?: number | undefined;
  readonly nextMs?: number | undefined;
  readonly uptimeMs?: number | undefined;
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

  write(beat: RawBeat, at: number): void {
    this.journal.append([formatBeat(beat, at)]).catch(() => {
      this.dropped++;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.journal.close();
  }
}

export function formatBeat(beat: RawBeat, at: number): string {
  const { deviceClass, device, site, outcome, seq } = beat;
  const place = site ? `,site=${escapeTag(site)}` : '';
  const measured = {
    next_ms: beat.nextMs,
    uptime_s: beat.uptimeMs === undefined ? undefined : beat.uptimeMs / 1000,
    rtt_ms: beat.roundTripMs,
    delay_ms: beat.delayMs,
    late_ms: beat.lateMs,
    battery: beat.batteryPercent,
    rssi: beat.rssiDbm,
  };
  let line = `device_beat,class=${escapeTag(deviceClass)},device=${escapeTag(device)}${place}`;
  line += ` outcome=${formatField(outcome)}`;
  if (seq !== undefined) line += `,seq=${seq}i`;
  for (const [name, value] of Object.entries(measured)) {
    if (value !== undefined) line += `,${name}=${tidy(value)}`;
  }
  return `${line} ${at}`;
}
