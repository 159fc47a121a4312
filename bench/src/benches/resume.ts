import { Resumers } from "../load/resumers.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { atMost } from "../support/report.ts";
import { RestClient } from "../support/rest-client.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const sessions = 1_000;
const intents = 1 | (1 << 9);
const everyMs = 500;
const messagesBefore = 6;
const messagesAfter = 6;
const patienceMs = 60_000;

/** Kills the gateway that holds 1,000 sessions, and waits until each has been resumed elsewhere. */
export const resume: Bench = {
  name: "resume",
  what: "1,000 sessions resumed after their gateway was killed",
  async run() {
    await using fleet = await createBenchFleet();
    const { api, gateway, demo } = fleet;
    using rest = new RestClient(api, demo.owner.token, 8);
    const post = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number++) {
        await rest.must("POST", `/channels/${demo.channelId}/messages`, { content: `resume ${number}` });
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    };
    await using resumers = new Resumers();
    await resumers.open({ url: fleet.ownUrlOf("gateway-0") ?? gateway, token: demo.bot.token, intents, sessions });
    await post(messagesBefore);
    const posting = post(messagesAfter);
    const killed = fleet.fleet.kill("gateway-0");
    const { resumedMs, identified, problems } = await resumers.watch({ sessions, timeoutMs: patienceMs });
    await killed;
    await posting;
    const { problems: later } = await resumers.check();
    for (const problem of [...problems, ...later].slice(0, 5)) process.stderr.write(`${problem}\n`);
    return [
      { name: "sessions resumed", value: resumedMs.length, unit: "sessions" },
      { name: "all resumed after", value: Math.max(...resumedMs), unit: "ms", target: atMost(10_000) },
      { name: "resumed p50", value: percentile(resumedMs, 0.5), unit: "ms" },
      { name: "not resumed", value: sessions - resumedMs.length, unit: "sessions", target: atMost(0) },
      { name: "identified anew", value: identified, unit: "sessions", target: atMost(0) },
      { name: "gaps or repeats in s", value: problems.length + later.length, unit: "sessions", target: atMost(0) },
    ];
  },
};
