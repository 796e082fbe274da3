/** What the monitor heard, as a line of a trace that `slowbeat replay` reads; without its newline. */
import type { BeatEvidence, BirthEvidence, ByeEvidence, Evidence } from '@slowbeat/detector-service/detector';

type Said = Partial<Omit<BirthEvidence, 'kind'> & Omit<BeatEvidence, 'kind'> & Omit<ByeEvidence, 'kind'>>;

export function traceLine(evidence: Evidence, at: number): string {
  if (evidence.kind === 'monitor') return JSON.stringify({ t: at, kind: 'monitor', up: evidence.up });
  const { kind, device, deviceClass } = evidence;
  const said: Said = evidence;
  return JSON.stringify({
    t: at,
    kind,
    device,
    class: deviceClass,
    seq: said.seq,
    gen: said.generation,
    session: said.session,
    next: said.nextMs,
    interval: said.intervalMs,
    uptime: said.uptimeMs === undefined ? undefined : said.uptimeMs / 1000,
    site: said.site,
    gateway: said.gateway,
    sleepMs: said.sleepMs,
    maintenanceMs: said.maintenanceMs,
    retire: said.retire,
  });
}
