import { shardOf, slotOf } from "@guildhall/slots";
import type { BenchFleet } from "./fleet.ts";
import { inLanes, type RestClient } from "./rest-client.ts";

/** A guild and its text channel. */
export interface BenchGuild {
  readonly id: string;
  readonly channelId: string;
}

/** Makes a guild. */
export async function makeGuild(rest: RestClient, name: string): Promise<BenchGuild> {
  const { id } = JSON.parse(await rest.must("POST", "/guilds", { name })) as { id: string };
  const channels = JSON.parse(await rest.must("GET", `/guilds/${id}/channels`)) as { id: string; type: number }[];
  const channelId = channels.find(({ type }) => type === 0)?.id;
  if (channelId === undefined) throw new Error("a new guild has no text channel");
  return { id, channelId };
}

/** Makes so many guilds, several at once. */
export async function makeGuilds(rest: RestClient, count: number): Promise<BenchGuild[]> {
  const guilds: BenchGuild[] = [];
  await inLanes(count, 16, async (at) => void guilds.push(await makeGuild(rest, `bench ${at}`)));
  return guilds;
}

/** A guild in each of so many shards, by shard. */
export async function makeGuildOnEachShard(rest: RestClient, shards: number): Promise<BenchGuild[]> {
  const found = new Map<number, BenchGuild>();
  while (found.size < shards) {
    const guild = await makeGuild(rest, "bench");
    const shard = shardOf(slotOf(BigInt(guild.id)), shards);
    if (!found.has(shard)) found.set(shard, guild);
  }
  return Array.from({ length: shards }, (_, shard) => found.get(shard) as BenchGuild);
}

/** The names of the hosts of a fleet. */
export function hostsOf({ fleet }: BenchFleet): string[] {
  return fleet.endpoints.processes.filter(({ service }) => service === "guild").map(({ name }) => name);
}
