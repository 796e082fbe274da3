/** Metrics that are read when somebody asks; nothing is counted twice. prom-client stays behind this file. */
import { Counter, Gauge, Registry } from 'prom-client';

export interface Sample {
  readonly value: number;
  /** One value per label of the family. None of them may come from a sender: labels are for ever. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface MetricFamily {
  /** With the `slowbeat_` prefix, in base units. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly labels?: readonly string[];
  /** Every sample as it is now; called once per scrape. */
  read(): Iterable<Sample>;
}

export interface Metrics {
  readonly contentType: string;
  add(families: Iterable<MetricFamily>): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    add(families) {
      for (const family of families) register(registry, family);
    },
  };
}

function register(registry: Registry, { name, help, kind, labels = [], read }: MetricFamily): void {
  const configuration = { name, help, labelNames: labels, registers: [registry] };
  if (kind === 'counter') {
    new Counter({
      ...configuration,
      collect() {
        this.reset();
        for (const { labels: own = {}, value } of read()) this.inc({ ...own }, value);
      },
    });
  } else {
    new Gauge({
      ...configuration,
      collect() {
        this.reset();
        for (const { labels: own = {}, value } of read()) this.set({ ...own }, value);
      },
    });
  }
}
