/** Samples of a Prometheus page by full name with labels. */
export type MetricsPage = ReadonlyMap<string, number>;

/** Reads the text format; comments and broken lines are passed over. */
export function parseMetricsPage(text: string): MetricsPage {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const at = line.lastIndexOf(" ");
    if (line.startsWith("#") || at <= 0) continue;
    samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** The sum over all labels of a metric. */
export function sumOf(page: MetricsPage, name: string): number {
  let sum = 0;
  for (const [key, value] of page) if (key === name || key.startsWith(`${name}{`)) sum += value;
  return sum;
}

/** A quantile of what a histogram took in between two pages, interpolated within its bucket; NaN when nothing came. */
export function quantileBetween(before: MetricsPage, after: MetricsPage, name: string, share: number): number {
  const buckets = [...after.keys()].flatMap((key) => {
    const bound = key.startsWith(`${name}_bucket{`) ? /le="([^"]+)"/.exec(key)?.[1] : undefined;
    if (bound === undefined) return [];
    const count = (after.get(key) ?? 0) - (before.get(key) ?? 0);
    return [{ bound: bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound), count }];
  });
  buckets.sort((a, b) => a.bound - b.bound);
  const wanted = (buckets.at(-1)?.count ?? 0) * share;
  if (wanted === 0) return Number.NaN;
  let lower = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= wanted) {
      if (!Number.isFinite(bucket.bound)) return lower.bound;
      const within = (wanted - lower.count) / (bucket.count - lower.count || 1);
      return lower.bound + (bucket.bound - lower.bound) * within;
    }
    lower = bucket;
  }
  return lower.bound;
}

/** Fetches and reads the pages of several processes as one (samples of equal names are added). */
export async function fetchMetrics(urls: readonly string[]): Promise<MetricsPage> {
  const pages = await Promise.all(urls.map(async (url) => parseMetricsPage(await (await fetch(url)).text())));
  const all = new Map<string, number>();
  for (const page of pages) for (const [key, value] of page) all.set(key, (all.get(key) ?? 0) + value);
  return all;
}
