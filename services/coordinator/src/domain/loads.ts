import type { ShardLoad } from "./hosts.ts";

/** What a shard takes, smoothed over the last windows. */
export interface SmoothLoad extends ShardLoad {
  /** CPU seconds per second. */
  readonly cpu: number;
  /** How many windows it is smoothed over so far. */
  readonly windows: number;
}

/** What the shards take. */
export interface Loads {
  /** Takes what a host says of a shard, as a mean over `ms`; `cpuShare` is the host's own, in CPU seconds per second. */
  note(key: string, load: ShardLoad, cpuShare: number, ms: number): void;
  /** Ends a window: what was noted since the last one goes into the averages. Forgets shards that are no more. */
  roll(exists: (key: string) => boolean): void;
  of(key: string): SmoothLoad | undefined;
  /** A shard was split: its halves begin with what it took, as far as is known which half did. */
  divide(key: string, low: string, high: string): void;
}

/** An average goes by this many windows. */
export const smoothedWindows = 5;
const weightOfNew = 2 / (smoothedWindows + 1);

type Figures = Pick<SmoothLoad, "cpu" | "bytesPerS" | "memoryBytes" | "commandsPerS" | "lowPart" | "busiestPart">;
const figures = ["cpu", "bytesPerS", "memoryBytes", "commandsPerS", "lowPart", "busiestPart"] as const;

interface Window {
  /** Of each figure times the time that it is the mean over. */
  readonly sums: Record<keyof Figures, number>;
  ms: number;
  last: ShardLoad;
}

/** Makes the averages, of nothing. */
export function makeLoads(): Loads {
  const windows = new Map<string, Window>();
  const smooth = new Map<string, SmoothLoad>();

  function rolled(before: SmoothLoad | undefined, { sums, ms, last }: Window): SmoothLoad {
    const next = { ...sums };
    for (const figure of figures) {
      const mean = sums[figure] / ms;
      next[figure] = before === undefined ? mean : before[figure] + weightOfNew * (mean - before[figure]);
    }
    return { ...last, ...next, windows: (before?.windows ?? 0) + 1 };
  }

  return {
    note(key, load, cpuShare, ms) {
      if (!(ms > 0)) return;
      const known = windows.get(key);
      const window = known ?? { sums: emptySums(), ms: 0, last: load };
      if (known === undefined) windows.set(key, window);
      const sample = { ...load, cpu: load.cpuShare * cpuShare };
      for (const figure of figures) window.sums[figure] += sample[figure] * ms;
      window.ms += ms;
      window.last = load;
    },
    roll(exists) {
      for (const [key, window] of windows) if (exists(key)) smooth.set(key, rolled(smooth.get(key), window));
      windows.clear();
      for (const key of smooth.keys()) if (!exists(key)) smooth.delete(key);
    },
    of: (key) => smooth.get(key),
    divide(key, low, high) {
      const whole = smooth.get(key);
      if (whole === undefined) return;
      const part = whole.commandsPerS > 0 ? whole.lowPart : 0.5;
      smooth.delete(key);
      smooth.set(low, scaled(whole, part));
      smooth.set(high, scaled(whole, 1 - part));
    },
  };
}

function scaled(load: SmoothLoad, part: number): SmoothLoad {
  return {
    ...load,
    openTopics: Math.round(load.openTopics * part),
    cpu: load.cpu * part,
    cpuShare: load.cpuShare * part,
    bytesPerS: load.bytesPerS * part,
    memoryBytes: load.memoryBytes * part,
    commandsPerS: load.commandsPerS * part,
    lowPart: 0.5,
    busiestPart: 0,
  };
}

function emptySums(): Record<keyof Figures, number> {
  return { cpu: 0, bytesPerS: 0, memoryBytes: 0, commandsPerS: 0, lowPart: 0, busiestPart: 0 };
}

/**
 * What each shard weighs, all of them together about 1: the largest of its parts of the fleet's CPU, bytes and memory. With
 * hardly any load every shard weighs the same, so that an even number of shards is an even load, and an empty new host
 * gets its part.
 */
export function weigh(loads: ReadonlyMap<string, SmoothLoad | undefined>, hosts: number): Map<string, number> {
  const total = { cpu: 0, bytes: 0, memory: 0 };
  for (const load of loads.values()) {
    total.cpu += load?.cpu ?? 0;
    total.bytes += load?.bytesPerS ?? 0;
    total.memory += load?.memoryBytes ?? 0;
  }
  const activity = Math.max(total.cpu / busyCpu, total.bytes / busyBytesPerS) / Math.max(1, hosts);
  const measured = Math.min(1, activity);
  const even = 1 / Math.max(1, loads.size);
  const part = (figure: number, sum: number): number => (sum > 0 ? figure / sum : 0);
  const weights = new Map<string, number>();
  for (const [key, load] of loads) {
    const most =
      load === undefined
        ? even
        : Math.max(part(load.cpu, total.cpu), part(load.bytesPerS, total.bytes), part(load.memoryBytes, total.memory));
    weights.set(key, measured * most + (1 - measured) * even);
  }
  return weights;
}

// Below this, per host, the number of shards counts more than what they do.
const busyCpu = 0.1;
const busyBytesPerS = 64 * 1024;
