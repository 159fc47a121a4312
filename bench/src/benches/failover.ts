import { createBenchFleet } from "../support/fleet.ts";
import { longestGapMs, startPacedSender } from "../support/paced-sender.ts";
import { atMost } from "../support/report.ts";
import { RestClient } from "../support/rest-client.ts";
import { makeGuildOnEachShard } from "../support/shard-guilds.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const perSecond = 100;
const times = 5;
const settleMs = 8_000;
const warmUpMs = 2_000;
const slackMs = 15_000;

/** From the end of a host to the next ack in a guild of it: killed and started again, and gone silent for good. */
export const failover: Bench = {
  name: "failover",
  what: "from the end of a host to the next ack of its guilds",
  async run() {
    await using fleet = await createBenchFleet();
    using rest = new RestClient(fleet.api, fleet.demo.owner.token, 256);
    const guilds = await makeGuildOnEachShard(rest, 4);
    const senders = guilds.map(({ channelId }) => startPacedSender(rest, { perSecond: perSecond / 4, channelId }));
    const worstGapMs = (fromMs: number): number =>
      Math.max(...senders.map(({ acks }) => longestGapMs(acks, fromMs, fromMs + slackMs)));
    await pass(warmUpMs);
    const killed: number[] = [];
    const silent: number[] = [];
    for (let time = 0; time < times; time++) {
      const name = `guild-${time % 2}`;
      const fromMs = performance.now();
      await fleet.fleet.kill(name);
      await fleet.fleet.whenReady(name);
      await pass(settleMs);
      killed.push(worstGapMs(fromMs));
    }
    for (let time = 0; time < times; time++) {
      const name = `guild-${time % 2}`;
      const fromMs = performance.now();
      // Nobody starts it again while it is stopped: its lease has to lapse.
      await fleet.fleet.kill(name, "SIGSTOP");
      await pass(settleMs + slackMs / 2);
      silent.push(worstGapMs(fromMs));
      await fleet.fleet.kill(name, "SIGCONT");
      await pass(settleMs);
    }
    for (const sender of senders) await sender.stop();
    const failures = senders.flatMap((sender) => sender.failures);
    for (const failure of failures.slice(0, 5)) process.stderr.write(`${failure}\n`);
    return [
      { name: "kill -9 to next ack, worst guild, p50", value: percentile(killed, 0.5), unit: "ms" },
      { name: "kill -9 to next ack, worst", value: Math.max(...killed), unit: "ms", target: atMost(10_000) },
      { name: "silent host to next ack, p50", value: percentile(silent, 0.5), unit: "ms" },
      { name: "silent host to next ack, worst", value: Math.max(...silent), unit: "ms", target: atMost(10_000) },
      { name: "sends that failed", value: failures.length, unit: "messages" },
    ];
  },
};

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
