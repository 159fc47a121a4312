import { createRequire } from "node:module";
import type { Counter, Gauge, Histogram, Registry } from "prom-client";

export type { Counter, Gauge, Histogram } from "prom-client";

/**
 * The metrics of a process. A short name becomes `guildhall_<service>_<name>`; one that begins with `guildhall_` stays.
 * Asking again for a name returns the same metric, so several users of a library share it, told apart by labels.
 */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /** `buckets` in the unit that the name ends in. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    options?: { readonly labels?: readonly L[]; readonly buckets?: readonly number[] },
  ): Histogram<L>;
  /** Runs `update` before each reading: for values that are cheaper to copy then than to keep. */
  beforeRead(update: () => void): Disposable;
  /** The metrics page and its Content-Type. */
  read(): Promise<{ readonly text: string; readonly contentType: string }>;
}

// The package's entry also loads clustering and a push client: 10 MB that no process here needs.
const load = createRequire(import.meta.url);
const RegistryClass = load("prom-client/lib/registry.js") as typeof Registry;
const CounterClass = load("prom-client/lib/counter.js") as typeof Counter;
const GaugeClass = load("prom-client/lib/gauge.js") as typeof Gauge;
const HistogramClass = load("prom-client/lib/histogram.js") as typeof Histogram;

/** 0.1 ms to 10 s. */
const defaultBucketsSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Makes the metrics of a service, with a registry of their own. */
export function makeMetrics(service: string): Metrics {
  const registry = new RegistryClass();
  const updates = new Set<() => void>();
  const fullName = (name: string) => (name.startsWith("guildhall_") ? name : `guildhall_${service}_${name}`);
  const shared = <M>(name: string, make: (full: string) => M): M => {
    const full = fullName(name);
    return (registry.getSingleMetric(full) as M | undefined) ?? make(full);
  };
  const registers = [registry];
  return {
    counter: <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
      shared(name, (full) => new CounterClass<L>({ name: full, help, labelNames: labels, registers })),
    gauge: <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
      shared(name, (full) => new GaugeClass<L>({ name: full, help, labelNames: labels, registers })),
    histogram: <L extends string>(
      name: string,
      help: string,
      {
        labels = [],
        buckets = defaultBucketsSeconds,
      }: { readonly labels?: readonly L[]; readonly buckets?: readonly number[] } = {},
    ) =>
      shared(
        name,
        (full) => new HistogramClass<L>({ name: full, help, labelNames: labels, buckets: [...buckets], registers }),
      ),
    beforeRead(update) {
      updates.add(update);
      return { [Symbol.dispose]: () => void updates.delete(update) };
    },
    async read() {
      for (const update of updates) update();
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
