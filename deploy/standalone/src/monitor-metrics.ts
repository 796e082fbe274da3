/** Metrics of the parts beside the detector: the built-in broker and the sender to InfluxDB. */
import type { Broker } from '@slowbeat/broker';
import type { MetricFamily } from '@slowbeat/detector-service';
import type { InfluxSender, SenderStatus } from '@slowbeat/detector-service/store';

export function brokerMetrics(broker: Broker): MetricFamily[] {
  const family = (
    kind: MetricFamily['kind'],
    name: string,
    help: string,
    count: (counters: ReturnType<Broker['counters']>) => number,
  ): MetricFamily => ({ kind, name, help, read: () => [{ value: count(broker.counters()) }] });
  return [
    family('gauge', 'slowbeat_broker_connections', 'Sockets open.', (c) => c.connectionsOpen),
    family('gauge', 'slowbeat_broker_clients', 'Clients logged in.', (c) => c.clientsConnected),
    family('counter', 'slowbeat_broker_connections_total', 'Sockets accepted.', (c) => c.connectionsTotal),
    family('counter', 'slowbeat_broker_connects_total', 'Log-ins.', (c) => c.connectsTotal),
    family(
      'counter',
      'slowbeat_broker_takeovers_total',
      'Client ids that came again.',
      (c) => c.takeoversTotal,
    ),
    family('counter', 'slowbeat_broker_messages_total', 'Device messages taken in.', (c) => c.messagesTaken),
    family('counter', 'slowbeat_broker_wills_total', 'Of those, last wills.', (c) => c.willsTaken),
    family(
      'gauge',
      'slowbeat_broker_orphans',
      'Clients of before a restart still awaited.',
      (c) => c.orphans,
    ),
    family('gauge', 'slowbeat_broker_taps_pending', 'Messages not yet taken in.', (c) => c.tapsPending),
    family('gauge', 'slowbeat_broker_retained_messages', 'Retained verdicts.', (c) => c.retainedMessages),
    family('gauge', 'slowbeat_broker_sessions_kept', 'Sessions of absent clients.', (c) => c.sessionsKept),
    {
      kind: 'counter',
      name: 'slowbeat_broker_refused_total',
      help: 'What was refused, dropped or cut off, by reason.',
      labels: ['reason'],
      read: () =>
        Object.entries(broker.counters().refused).map(([reason, value]) => ({ value, labels: { reason } })),
    },
  ];
}

export function senderMetrics(sender: InfluxSender): MetricFamily[] {
  const family = (
    kind: MetricFamily['kind'],
    name: string,
    help: string,
    value: (status: SenderStatus) => number,
  ): MetricFamily => ({ kind, name, help, read: () => [{ value: value(sender.status()) }] });
  return [
    family('gauge', 'slowbeat_influx_lag_lines', 'Lines InfluxDB does not have yet.', (s) => s.lagLines),
    family('gauge', 'slowbeat_influx_lag_bytes', 'Bytes InfluxDB does not have yet.', (s) => s.lagBytes),
    family('gauge', 'slowbeat_influx_waiting', '1 while delivery waits.', (s) =>
      Number(s.state === 'waiting'),
    ),
    family(
      'counter',
      'slowbeat_influx_delivered_lines_total',
      'Lines acknowledged.',
      (s) => s.deliveredLines,
    ),
    family('counter', 'slowbeat_influx_dead_letters_total', 'Lines refused for good.', (s) => s.deadLetters),
    family('counter', 'slowbeat_influx_failures_total', 'Attempts that did not succeed.', (s) => s.failures),
  ];
}
