import type { SlotRange } from "@guildhall/proto";
import type { JournalRecord } from "../ports.ts";
import type { HostParts } from "./host-parts.ts";
import { resultOf } from "./open-topic.ts";
import { makeRetryTable, type RetryTable, retryWindowMs } from "./retry-table.ts";
import { makeRing, type Ring } from "./ring.ts";
import type { ShardBeginning } from "./shard.ts";

/** What a shard is opened with, but for the EPOCH: request ids of the last minutes, and how far the store is. */
export async function loadShard(
  range: SlotRange,
  parts: HostParts,
): Promise<Pick<ShardBeginning, "range" | "unapplied" | "retries" | "ring">> {
  const { ports, guards } = parts;
  const retries = makeShardRetries(parts);
  const { position: watermark } = await ports.store.readWatermark(range);
  if (guards.retryWindow) await learnRetries(range, retries, parts);
  return { range, unapplied: { watermark, replaying: true, records: [] }, retries, ring: makeShardRing(parts) };
}

async function learnRetries(range: SlotRange, retries: RetryTable, { ports }: HostParts): Promise<void> {
  const { journal, clock } = ports;
  const sinceTs = BigInt(Math.floor(clock.nowMs() - retryWindowMs)) * 1000n;
  for await (const known of journal.readRetries(range, sinceTs)) {
    for (const { requestId, nonceKey, ts, result } of known) {
      retries.learn(requestId, nonceKey, ts, resultOf({ result } as JournalRecord));
    }
  }
}

function makeShardRetries({ ports, config }: HostParts): RetryTable {
  const { clock } = ports;
  return makeRetryTable({ max: config.limits.retries, nowMs: () => clock.nowMs() });
}

function makeShardRing({ ports, config }: HostParts): Ring {
  const { clock } = ports;
  const { ringBytes, resumeWindowMs } = config.limits;
  return makeRing({ maxBytes: ringBytes, maxAgeMs: resumeWindowMs, monotonicMs: () => clock.monotonicMs() });
}
