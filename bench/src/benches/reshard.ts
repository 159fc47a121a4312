import type { ControlClient } from "@guildhall/cli/control";
import { Generator } from "../load/generator.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { type Ack, startPacedSender } from "../support/paced-sender.ts";
import { atMost } from "../support/report.ts";
import { RestClient } from "../support/rest-client.ts";
import { makeGuilds } from "../support/shard-guilds.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const guildCount = 2_000;
const perSecond = 300;
const listeners = 100;
const intents = 1 | (1 << 9);
const warmUpMs = 10_000;
const beforeMs = 10_000;
const afterMs = 3_000;
const doublings = [8, 16];
const patienceMs = 120_000;

/** A fleet of 2,000 guilds whose shards are doubled twice under load. */
export const reshard: Bench = {
  name: "reshard",
  what: "shards doubled 4 to 8 to 16, 2,000 guilds under 300 messages/s",
  async run() {
    await using fleet = await createBenchFleet();
    const { api, gateway, demo, control } = fleet;
    using rest = new RestClient(api, demo.owner.token, 256);
    const guilds = await makeGuilds(rest, guildCount);
    await using generator = new Generator();
    const tokens = Array.from({ length: listeners }, () => demo.bot.token);
    await generator.open({ url: gateway, tokens, intents, compress: null, openFrames: 3, atOnce: 50 });
    const channels = [...guilds.map(({ channelId }) => channelId), demo.channelId];
    let turn = 0;
    // Coprime to their number: every guild in turn, in no order of their making.
    const nextChannel = () => channels[(turn++ * 769) % channels.length] ?? demo.channelId;
    const sender = startPacedSender(rest, { perSecond, channelId: demo.channelId, nextChannel });
    await pass(warmUpMs);
    const quietFromMs = performance.now();
    await pass(beforeMs);
    const startMs = performance.now();
    let worstPauseMs = 0;
    for (const to of doublings) worstPauseMs = Math.max(worstPauseMs, await double(control, to));
    const endMs = performance.now();
    await pass(afterMs);
    await sender.stop();
    const before = latencies(sender.acks, quietFromMs, startMs);
    const during = latencies(sender.acks, startMs, endMs + afterMs);
    const { open } = await generator.countOpen();
    for (const failure of sender.failures.slice(0, 5)) process.stderr.write(`${failure}\n`);
    const added = percentile(during, 0.99) - percentile(before, 0.99);
    return [
      { name: "guilds", value: channels.length, unit: "guilds" },
      { name: "both doublings", value: (endMs - startMs) / 1_000, unit: "s" },
      { name: "ack p99 before", value: percentile(before, 0.99), unit: "ms" },
      { name: "ack p99 during", value: percentile(during, 0.99), unit: "ms" },
      { name: "added at p99", value: added, unit: "ms", target: atMost(50) },
      { name: "slowest ack during", value: Math.max(...during), unit: "ms" },
      { name: "worst pause of a shard, by its host", value: worstPauseMs, unit: "ms" },
      { name: "sessions closed", value: listeners - open, unit: "sessions", target: atMost(0) },
      {
        name: "sends that failed",
        value: sender.failures.length + sender.skipped,
        unit: "messages",
        target: atMost(0),
      },
    ];
  },
};

/** Doubles to `to` shards; the worst pause of it. */
async function double(control: ControlClient, to: number): Promise<number> {
  await control.call("reshard-apply", { to });
  const untilMs = performance.now() + patienceMs;
  let isApproved = false;
  while (performance.now() < untilMs) {
    const { phase, serving, planHash, worstPauseMs } = await control.call("reshard-status", {});
    // Every split holds something up; its host says how long a moment after it has said that it is done.
    if (phase === "Completed" && serving === to && worstPauseMs > 0) return worstPauseMs;
    if (phase === "Planned" && !isApproved) {
      await control.call("reshard-approve", { hash: planHash });
      isApproved = true;
    }
    await pass(20);
  }
  throw new Error(`not ${to} shards within ${patienceMs} ms`);
}

function latencies(acks: readonly Ack[], fromMs: number, toMs: number): number[] {
  const within = acks.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
  return within.map(({ sentMs, ackedMs }) => ackedMs - sentMs);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
