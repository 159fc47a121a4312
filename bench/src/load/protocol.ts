/** What the load generator's process is told. */
export type LoadRequest =
  | {
      readonly do: "open";
      readonly url: string;
      /** One listener for each token; `undefined` tokens say nothing. */
      readonly tokens: readonly (string | null)[];
      readonly intents: number | null;
      readonly compress: "zlib-stream" | null;
      /** Frames after which a listener counts as open: HELLO, READY, GUILD_CREATE. */
      readonly openFrames: number;
      /** Listeners that connect at once. */
      readonly atOnce: number;
    }
  /** Starts counting from zero; answered when `frames` have come to all together. */
  | { readonly do: "count"; readonly frames: number; readonly timeoutMs: number }
  /** From now on, notes for each `@@<ms>@@` in a frame how long ago that was. */
  | { readonly do: "watch-latency" }
  | { readonly do: "latencies" }
  | { readonly do: "count-open" }
  | { readonly do: "close" };

/** What it answers, one reply a request. */
export type LoadReply =
  | { readonly did: "open"; readonly openMs: readonly number[]; readonly failed: number }
  /** Sent at once for `count`, so that the load begins after it. */
  | { readonly did: "counting" }
  | {
      readonly did: "count";
      readonly frames: number;
      readonly bytes: number;
      /** Unix milliseconds, with fractions. */
      readonly lastAtMs: number;
      readonly cpuSeconds: number;
    }
  | { readonly did: "watch-latency" }
  | { readonly did: "latencies"; readonly ms: readonly number[] }
  /** How many of all listeners are still connected. */
  | { readonly did: "count-open"; readonly open: number }
  | { readonly did: "close" };
