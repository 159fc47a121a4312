import type { OwnedShard, ShardLoad } from "@guildhall/proto";
import { rangeContains, slotCount, slotOf, splitRange } from "@guildhall/slots";
import type { Shard } from "./shard.ts";

/** What the shards of a host take of it, averaged over a second or more. */
export interface ShardLoads {
  /** Every shard with its load; counts anew when a second has passed. */
  read(shards: readonly Shard[]): OwnedShard[];
}

const windowMs = 900;
// An open guild with its roles and channels takes about as much; its members and messages are in caches of the host.
const topicBytes = 32 * 1024;
// To show, send and store so many bytes of events is about as much work as to answer a request.
const bytesPerRequest = 8 * 1024;

/** Makes them; `monotonicMs` tells the time. */
export function makeShardLoads({ monotonicMs }: { readonly monotonicMs: () => number }): ShardLoads {
  let sinceMs = monotonicMs();
  let loads = new WeakMap<Shard, ShardLoad>();

  const count = (shards: readonly Shard[], seconds: number): void => {
    loads = new WeakMap();
    const workOf = ({ work }: Shard): number => work.requests + work.bytes / bytesPerRequest;
    const all = shards.reduce((sum, shard) => sum + workOf(shard), 0);
    for (const shard of shards) {
      const { work, topics, ring, applier } = shard;
      loads.set(shard, {
        openTopics: topics.size,
        commandsPerS: work.commands / seconds,
        bytesPerS: work.bytes / seconds,
        cpuShare: all === 0 ? 0 : workOf(shard) / all,
        memoryBytes: BigInt(ring.sizeBytes + applier.backlogBytes + topics.size * topicBytes),
        ...countTopics(shard),
      });
      work.requests = 0;
      work.commands = 0;
      work.bytes = 0;
    }
  };

  return {
    read(shards) {
      const nowMs = monotonicMs();
      if (nowMs - sinceMs >= windowMs) {
        count(shards, (nowMs - sinceMs) / 1_000);
        sinceMs = nowMs;
      }
      return shards.map((shard) => ({ range: shard.range, row: shard.row, load: loads.get(shard) }));
    },
  };
}

/** The part of its commands that falls into the first half, and the busiest topic. */
function countTopics({ range, topics }: Shard): Pick<ShardLoad, "lowPart" | "busiestTopic" | "busiestPart"> {
  const low = range.n < slotCount ? splitRange(range)[0] : range;
  let all = 0;
  let inLow = 0;
  let busiest = 0;
  let busiestTopic = 0n;
  for (const actor of topics.all()) {
    const { asked } = actor;
    actor.asked = 0;
    all += asked;
    if (asked > 0 && rangeContains(low, slotOf(actor.topic))) inLow += asked;
    if (asked <= busiest) continue;
    busiest = asked;
    busiestTopic = actor.topic;
  }
  return { lowPart: all === 0 ? 0 : inLow / all, busiestTopic, busiestPart: all === 0 ? 0 : busiest / all };
}
