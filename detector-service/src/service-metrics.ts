/** What Prometheus is told about the detector. No metric has a device in its labels. */
import { GROUP_KINDS, type IncidentView, STATES } from './detector/index.ts';
import type { MetricFamily, Sample } from './http/metrics.ts';
import type { DetectorService } from './service.ts';
import type { Tally } from './tally.ts';

export function serviceMetrics(service: DetectorService, classes: readonly string[]): MetricFamily[] {
  const journal = () => service.journal.counters();
  return [
    {
      name: 'slowbeat_devices',
      help: 'Devices by class and state.',
      kind: 'gauge',
      labels: ['class', 'state'],
      read: () => devicesByState(service, classes),
    },
    {
      name: 'slowbeat_messages_total',
      help: 'Messages by kind and by what became of them; kind is "-" for one that could not be read.',
      kind: 'counter',
      labels: ['kind', 'outcome'],
      read: () => samples(service.messages, 'kind', 'outcome'),
    },
    {
      name: 'slowbeat_transitions_total',
      help: 'Changes of verdicts.',
      kind: 'counter',
      labels: ['from', 'to'],
      read: () => samples(service.transitions, 'from', 'to'),
    },
    {
      name: 'slowbeat_incidents_total',
      help: 'Group outages, by what the devices have in common.',
      kind: 'counter',
      labels: ['group'],
      read: () =>
        GROUP_KINDS.map((group) => ({ value: service.incidentLog.opened.count(group), labels: { group } })),
    },
    gauge('slowbeat_incidents_open', 'Group outages that are not over.', () => openIncidents(service).length),
    gauge('slowbeat_incident_devices', 'Devices that are silent because of them.', () =>
      openIncidents(service).reduce((sum, { missing }) => sum + missing, 0),
    ),
    counter('slowbeat_probes_total', 'Pings sent to suspects.', () => service.probes?.sent ?? 0),
    counter('slowbeat_probes_dropped_total', 'Pings not sent.', () => service.probes?.dropped ?? 0),
    gauge('slowbeat_blind', '1 while the monitor cannot hear heartbeats.', () => Number(service.isBlind)),
    counter('slowbeat_blind_seconds_total', 'Time in which it could not hear.', () => service.blindMs / 1000),
    gauge('slowbeat_clock_ahead_seconds', 'Own time minus wall clock.', () => service.aheadMs / 1000),
    gauge(
      'slowbeat_verdicts_waiting',
      'Verdicts not yet acknowledged by the broker.',
      () => service.verdictsWaiting,
    ),
    counter('slowbeat_journal_lines_total', 'Lines made durable.', () => journal().appendedLines),
    counter('slowbeat_journal_bytes_total', 'Bytes made durable.', () => journal().appendedBytes),
    counter('slowbeat_journal_commits_total', 'Writes with fsync.', () => journal().commits),
    counter(
      'slowbeat_journal_write_errors_total',
      'Failed writes, each tried again.',
      () => journal().writeErrors,
    ),
    counter(
      'slowbeat_journal_refused_lines_total',
      'Lines lost to a full backlog.',
      () => journal().refusedLines,
    ),
    counter(
      'slowbeat_series_restated_points_total',
      'Points of device_state that were put right.',
      () => service.seriesCounters().restatedPoints,
    ),
    counter(
      'slowbeat_series_restatements_refused_total',
      'Restatements of what was settled.',
      () => service.seriesCounters().restatementsTooOld,
    ),
    counter(
      'slowbeat_raw_beats_dropped_total',
      'Raw heartbeats that the disk was too slow for.',
      () => service.beatLog?.dropped ?? 0,
    ),
    gauge('slowbeat_journal_pending_bytes', 'Bytes that wait for the disk.', () => journal().pendingBytes),
  ];
}

function openIncidents(service: DetectorService): IncidentView[] {
  return service.incidents().filter(({ endedAt }) => endedAt === undefined);
}

function gauge(name: string, help: string, value: () => number): MetricFamily {
  return { name, help, kind: 'gauge', read: () => [{ value: value() }] };
}

function counter(name: string, help: string, value: () => number): MetricFamily {
  return { name, help, kind: 'counter', read: () => [{ value: value() }] };
}

function* samples(tally: Tally, ...labels: readonly string[]): Iterable<Sample> {
  for (const { words, count } of tally.entries()) {
    yield { value: count, labels: Object.fromEntries(labels.map((label, i) => [label, words[i] ?? ''])) };
  }
}

/** Every class with every state, zeros included, so that an alert sees a class vanish. */
function* devicesByState(service: DetectorService, classes: readonly string[]): Iterable<Sample> {
  const counts = new Map(classes.flatMap((name) => STATES.map((state) => [`${name} ${state}`, 0])));
  for (const { deviceClass, state } of service.devices()) {
    const key = `${deviceClass} ${state}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, value] of counts) {
    const [deviceClass = '', state = ''] = key.split(' ');
    yield { value, labels: { class: deviceClass, state } };
  }
}
