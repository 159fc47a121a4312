import type { HostParts } from "./host-parts.ts";
import type { Shard } from "./shard.ts";
import { pause, within } from "./waiting.ts";

/** Seals the shards of a host, one at a time. */
export interface Sealer {
  /** Seals a shard; else gives the reason why not now. */
  trySeal(shard: Shard, why: SealReason): string | undefined;
  /** Whether everything that was on its way to the journal was stored within a time. */
  drain(shard: Shard, ms: number): Promise<boolean>;
  /** Waits for a while for a moment to seal, and for what is on its way to the journal. Sealed, or open as before. */
  seal(shard: Shard, why: SealReason): Promise<Sealing>;
}

/** "wish": it may as well be left as it is, and is when the journal is slow. */
export type SealReason = "wish" | "need";

/** What came of sealing. `sinceMs` on the monotonic clock; undefined when it never was sealed. */
export type Sealing =
  | { readonly sealed: true; readonly sinceMs: number }
  | { readonly sealed: false; readonly sinceMs: number | undefined; readonly reason: string };

// Commits of the journal that take longer would make the pause too long.
const maxJournalP99Ms = 20;
const drainMs = 100;
const pollMs = 20;
const patienceMs = 8_000;

/** Makes the sealer of a host. */
export function makeSealer({ ports, gate, latency, guards, sealed }: HostParts): Sealer {
  const { clock, timers } = ports;

  const unrest = (shard: Shard, why: SealReason): string | undefined => {
    if (shard.isClosed) return "the shard is gone";
    if (gate.isShut) return "the journal takes nothing";
    if (why === "wish" && latency.p99Ms() > maxJournalP99Ms) return "the journal is slow";
    if (sealed.count > 0) return "another shard of the host is sealed";
    return shard.unrest();
  };

  const sealer: Sealer = {
    trySeal(shard, why) {
      const reason = unrest(shard, why);
      if (reason === undefined && guards.seal) shard.seal.close();
      return reason;
    },
    async drain(shard, ms) {
      const drained = await within(ms, shard.drained(), timers);
      return drained.is === "done" && !shard.isClosed;
    },
    async seal(shard, why) {
      const untilMs = clock.monotonicMs() + patienceMs;
      for (let reason = sealer.trySeal(shard, why); reason !== undefined; reason = sealer.trySeal(shard, why)) {
        if (shard.isClosed || clock.monotonicMs() >= untilMs) return { sealed: false, sinceMs: undefined, reason };
        await pause(pollMs, timers);
      }
      const sinceMs = clock.monotonicMs();
      if (await sealer.drain(shard, drainMs)) return { sealed: true, sinceMs };
      shard.seal.lift();
      return { sealed: false, sinceMs, reason: "what was on its way to the journal was not stored in time" };
    },
  };
  return sealer;
}
