import type { HeadsResult, NotOwner, TopicRequest } from "@guildhall/proto";
import { type ShardMap, slotOf } from "@guildhall/slots";
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
const hostTimeoutMs = 3_000;

/**
 * Asks the owners of all topics for their heads and merges what they answer. Topics whose owner is not known, or does
 * not answer, within 1.5 s are left out: the asker asks again.
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
    const groups = Map.groupBy(left, (topic) => reachableOwner(topic, map, hosts));
    const ownerless = groups.get(undefined) ?? [];
    groups.delete(undefined);
    const unanswered = await Promise.all(
      [...groups].map(([address, asked]) => askHost(request, address ?? "", asked, merged, options)),
    );
    left = [...ownerless, ...unanswered.flat()];
    if (left.length === 0 || clock.monotonicMs() >= untilMs) return merged;
    await new Promise<void>((resolve) => timers.after(roundPauseMs, resolve));
  }
}

/** The address of the topic's owner when its stream is there; a stream that is not begins to connect. */
function reachableOwner(topic: bigint, map: ShardMap, hosts: HostPool): string | undefined {
  const owner = map.ownerOf(slotOf(topic));
  return owner !== undefined && hosts.to(owner.address).connected ? owner.address : undefined;
}

/** Adds what the host answers to `merged`; returns the topics to ask for again. */
async function askHost(
  request: TopicRequest,
  address: string,
  topics: readonly bigint[],
  merged: HeadsResult,
  { hosts, learn }: HeadsOptions,
): Promise<readonly bigint[]> {
  try {
    const part: TopicRequest = { ...request, body: { $case: "heads", value: { topics: [...topics] } } };
    const answer = await hosts.to(address).send({ ...part, timeoutMs: hostTimeoutMs }, hostTimeoutMs);
    if (answer.$case === "notOwner") learn(answer.value);
    if (answer.$case !== "heads") return topics;
    merged.heads.push(...answer.value.heads);
    merged.sources.push(...answer.value.sources);
    return [];
  } catch {
    return topics;
  }
}
