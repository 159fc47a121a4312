import type { HeadsResult, NotOwner, TopicRequest } from "@guildhall/proto";
import { type MapEntry, type ShardMap, slotOf } from "@guildhall/slots";
import type { HostPool } from "./host-pool.ts";
import type { Clock, Timers } from "./ports.ts";

/** What the fan-out uses. */
export interface HeadsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly map: ShardMap;
  readonly hosts: HostPool;
  readonly learn: (notOwner: NotOwner) => void;
}

const patienceMs = 1_500;
const roundPauseMs = 100;

/**
 * Asks the owner of each shard concerned for the heads of its topics, and merges what they answer. Topics whose owner is
 * not known, or does not answer, within 1.5 s are left out: the asker asks again. So one host that hangs holds up nobody
 * for longer than that.
 */
export async function askHeads(
  request: TopicRequest,
  topics: readonly bigint[],
  options: HeadsOptions,
): Promise<HeadsResult> {
  const { clock, timers, map, hosts } = options;
  const merged: HeadsResult = { heads: [], sources: [] };
  const untilMs = clock.monotonicMs() + patienceMs;
  let left: readonly bigint[] = [...new Set(topics)];
  for (;;) {
    const timeoutMs = Math.max(1, Math.ceil(untilMs - clock.monotonicMs()));
    const before = map.entries();
    // By shard, not by host: a host answers NotOwner for all that is asked at once.
    const shards = Map.groupBy(left, (topic) => reachableOwner(topic, map, hosts));
    const unanswered = await Promise.all(
      [...shards].map(([owner, asked]) => askOwner(request, owner, asked, { merged, timeoutMs, ...options })),
    );
    left = unanswered.flat();
    if (left.length === 0 || clock.monotonicMs() >= untilMs) return merged;
    // Whoever was told of another owner asks that one at once.
    if (map.entries() === before) await new Promise<void>((resolve) => timers.after(roundPauseMs, resolve));
  }
}

/** The topic's owner when its stream is there; a stream that is not begins to connect. */
function reachableOwner(topic: bigint, map: ShardMap, hosts: HostPool): MapEntry | undefined {
  const owner = map.ownerOf(slotOf(topic));
  return owner !== undefined && hosts.to(owner.address).connected ? owner : undefined;
}

/** Adds what the owner answers to `merged`; returns the topics to ask for again. */
async function askOwner(
  request: TopicRequest,
  owner: MapEntry | undefined,
  topics: readonly bigint[],
  { hosts, learn, merged, timeoutMs }: HeadsOptions & { readonly merged: HeadsResult; readonly timeoutMs: number },
): Promise<readonly bigint[]> {
  if (owner === undefined) return topics;
  try {
    const part: TopicRequest = { ...request, body: { $case: "heads", value: { topics: [...topics] } } };
    const answer = await hosts.to(owner.address).send({ ...part, timeoutMs }, timeoutMs);
    if (answer.$case === "notOwner") learn(answer.value);
    if (answer.$case !== "heads") return topics;
    for (const head of answer.value.heads) merged.heads.push(head);
    for (const source of answer.value.sources) merged.sources.push(source);
    return [];
  } catch {
    return topics;
  }
}
