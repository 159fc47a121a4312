import { Generator } from "../load/generator.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { quantileBetween } from "../support/metrics-page.ts";
import { atMost, type Figure } from "../support/report.ts";
import { inLanes, RestClient } from "../support/rest-client.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const intents = 1 | (1 << 9) | (1 << 15);
const messages = 75;
const everyMs = 200;
/** What a fleet has carried before anybody measures it: at 5 messages a second its code would stay cold for minutes. */
const warmUp = 2_000;

/** Message in to frame out at 5 messages a second, beside the journal's commit of the same run. */
export const latency: Bench = {
  name: "latency",
  what: "message in to frame out, beside the journal's commit",
  async run() {
    const figures: Figure[] = [];
    await using fleet = await createBenchFleet();
    const { api, gateway, demo } = fleet;
    using rest = new RestClient(api, demo.owner.token, 4);
    const post = (content: string) => rest.must("POST", `/channels/${demo.channelId}/messages`, { content });
    await inLanes(warmUp, 4, async () => void (await post("warm")));
    for (const listeners of [100, 1000]) {
      await using generator = new Generator();
      const tokens = Array.from({ length: listeners }, () => demo.bot.token);
      await generator.open({ url: gateway, tokens, intents, compress: null, openFrames: 3, atOnce: 50 });
      for (let index = 0; index < 20; index += 1) await post("warm");
      await generator.watchLatency();
      const before = await fleet.metricsOf("data");
      for (let index = 0; index < messages; index += 1) {
        const dueMs = performance.now() + everyMs;
        await post(`@@${performance.timeOrigin + performance.now()}@@`);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      }
      const after = await fleet.metricsOf("data");
      const commitMs = quantileBetween(before, after, "guildhall_data_journal_commit_seconds", 0.5) * 1000;
      const ms = await generator.latencies();
      const p50 = percentile(ms, 0.5);
      const few = listeners === 100;
      figures.push(
        { name: `journal commit p50, ${listeners}`, value: commitMs, unit: "ms" },
        { name: `p50, ${listeners}`, value: p50, unit: "ms" },
        { name: `p99, ${listeners}`, value: percentile(ms, 0.99), unit: "ms" },
        {
          name: `p50 − commit p50, ${listeners}`,
          value: p50 - commitMs,
          unit: "ms",
          ...(few ? { target: atMost(5), budget: atMost(4) } : {}),
        },
        { name: `deliveries seen, ${listeners}`, value: ms.length / listeners / messages, unit: "share" },
      );
    }
    return figures;
  },
};
