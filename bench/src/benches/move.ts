import type { ControlClient } from "@guildhall/cli/control";
import { watchShardMap } from "@guildhall/rpc";
import { makeShardMap, shardOf, slotOf } from "@guildhall/slots";
import { createBenchFleet } from "../support/fleet.ts";
import { longestGapMs, startPacedSender } from "../support/paced-sender.ts";
import { atMost } from "../support/report.ts";
import { RestClient } from "../support/rest-client.ts";
import { type BenchGuild, hostsOf, makeGuildOnEachShard } from "../support/shard-guilds.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const shards = 4;
const perSecond = 200;
// No shard is sealed while the journal was slow within 10 s, as it is while everything is cold.
const warmUpMs = 12_000;
/** Acks still come late for a little while after a move. */
const afterMs = 250;
const refusalPauseMs = 500;
const mostRefusals = 240;

interface Moved {
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: string;
  /** How often the coordinator would not begin it, the journal being slow. */
  readonly refusals: number;
}

/** Planned moves of a shard under load, and as long a run without any. */
export const move: Bench = {
  name: "move",
  what: "the pause of a guild whose shard is moved from host to host, 200 messages/s to it",
  async run({ moves }) {
    await using fleet = await createBenchFleet({ rebalancing: { mode: "Off" } });
    using rest = new RestClient(fleet.api, fleet.demo.owner.token, 256);
    const guilds = await makeGuildOnEachShard(rest, shards);
    const sender = startPacedSender(rest, { perSecond, channelId: (guilds[0] as BenchGuild).channelId });
    await pass(warmUpMs);
    const hosts = hostsOf(fleet);
    const done: Moved[] = [];
    const map = makeShardMap();
    const changesMs: number[] = [];
    const address = fleet.fleet.addressOf("coordinator-0");
    using _watch = watchShardMap({ address, watcher: "bench", map, onChange: () => changesMs.push(performance.now()) });
    const startMs = performance.now();
    for (let number = 0; number < moves; number++) {
      // Each shard for a while: one that was taken back several times must rest.
      const guild = guilds[Math.floor((number * shards) / moves)] as BenchGuild;
      sender.channelId = guild.channelId;
      done.push(await moveOnce(fleet.control, guild, hosts));
    }
    const movingMs = performance.now() - startMs;
    await pass(afterMs);
    const quietMs = performance.now() + 1_000;
    await pass(1_000 + movingMs);
    const endMs = performance.now();
    await sender.stop();
    const pauses = done.map(({ fromMs, toMs }) => longestGapMs(sender.acks, fromMs, toMs + afterMs));
    const untilMap = done.flatMap(({ fromMs }) => {
      const first = changesMs.find((atMs) => atMs >= fromMs);
      return first === undefined ? [] : [first - fromMs];
    });
    const without = longestGapMs(sender.acks, quietMs, endMs);
    const takenBack = done.filter(({ state }) => state === "TakenBack").length;
    const refused = done.filter(({ state }) => state === "Refused").length;
    return [
      { name: "moves", value: done.length, unit: "moves" },
      { name: "pause p50", value: percentile(pauses, 0.5), unit: "ms" },
      { name: "pause p99", value: percentile(pauses, 0.99), unit: "ms", target: atMost(100), budget: atMost(100) },
      { name: "pause p99.9", value: percentile(pauses, 0.999), unit: "ms" },
      { name: "worst gap without moves, as long", value: without, unit: "ms" },
      // From the order on, since nobody else can say when the coordinator has decided: what it saves is in it.
      { name: "order to map change at a watcher, p50", value: percentile(untilMap, 0.5), unit: "ms" },
      {
        name: "order to map change at a watcher, p99",
        value: percentile(untilMap, 0.99),
        unit: "ms",
        target: atMost(50),
      },
      { name: "taken back", value: takenBack, unit: "moves" },
      { name: "refused before the seal", value: refused, unit: "moves" },
      { name: "waited for the journal", value: done.reduce((sum, { refusals }) => sum + refusals, 0), unit: "tries" },
      {
        name: "a move from order to end, p50",
        value: percentile(
          done.map(({ fromMs, toMs }) => toMs - fromMs),
          0.5,
        ),
        unit: "ms",
      },
      {
        name: "sends that failed",
        value: sender.failures.length + sender.skipped,
        unit: "messages",
        target: atMost(0),
      },
    ];
  },
};

/** Moves the shard of a guild to the other host and waits for the end. */
async function moveOnce(control: ControlClient, { id }: BenchGuild, hosts: readonly string[]): Promise<Moved> {
  const shard = `${shardOf(slotOf(BigInt(id)), shards)}/${shards}`;
  const { shards: all } = await control.call("shards", {});
  const from = all.find((each) => each.shard === shard)?.host;
  const host = hosts.find((name) => name !== from) ?? "";
  for (let refusals = 0; ; refusals++) {
    const fromMs = performance.now();
    try {
      const { state } = await control.call("move", { shard, host });
      return { fromMs, toMs: performance.now(), state, refusals };
    } catch (error) {
      if (refusals === mostRefusals) throw error;
      await pass(refusalPauseMs);
    }
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
