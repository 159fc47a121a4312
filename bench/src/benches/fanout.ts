import { startBare } from "../bare/start.ts";
import { Generator } from "../load/generator.ts";
import { Listener } from "../load/listener.ts";
import { type BenchFleet, createBenchFleet } from "../support/fleet.ts";
import { sumOf } from "../support/metrics-page.ts";
import { cpuSeconds } from "../support/proc.ts";
import { atLeast, atMost, type Figure } from "../support/report.ts";
import { inLanes, RestClient } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

/** GUILDS, GUILD_MESSAGES and MESSAGE_CONTENT. */
const intents = 1 | (1 << 9) | (1 << 15);
const openFrames = 3;
const timeoutMs = 120_000;
const content = "The quick brown fox jumps over the lazy dog, and the hall hears of it at once.";

/** Messages for some seconds each. */
const sizes = [
  { listeners: 100, messages: 4_000, bareMessages: 4_000 },
  { listeners: 1_000, messages: 3_000, bareMessages: 300 },
] as const;

interface Rate {
  readonly perSecond: number;
  /** CPU seconds of the sending side for each delivery. */
  readonly cpuPerDelivery: number;
  /** Share of the whole machine that the load generator used. */
  readonly generatorShare: number;
}

async function send(fleet: BenchFleet, messages: number): Promise<void> {
  const { api, demo } = fleet;
  using rest = new RestClient(api, demo.owner.token, 32);
  await inLanes(messages, 32, async () => {
    await rest.must("POST", `/channels/${demo.channelId}/messages`, { content });
  });
}

/** The payload of one real MESSAGE_CREATE, as the bare server is to send it. */
async function captureFrame(fleet: BenchFleet): Promise<string> {
  const { gateway, demo } = fleet;
  const { promise, resolve } = Promise.withResolvers<string>();
  const listener = new Listener({
    url: gateway,
    token: demo.bot.token,
    intents,
    compress: undefined,
    onChunk(chunk) {
      const at = chunk.indexOf('{"op":0,"s":');
      const text = at < 0 ? "" : chunk.toString("utf8", at);
      if (text.includes('"MESSAGE_CREATE"')) resolve(text);
      if (text.includes('"GUILD_CREATE"')) void send(fleet, 1);
    },
  });
  const payload = await promise;
  listener.close();
  return payload;
}

async function measureFleet(
  fleet: BenchFleet,
  listeners: number,
  messages: number,
  compress: "zlib-stream" | null,
): Promise<Rate & { deflatePerEvent: number }> {
  await using generator = new Generator();
  const { gateway, demo } = fleet;
  const tokens = Array.from({ length: listeners }, () => demo.bot.token);
  const opened = await generator.open({ url: gateway, tokens, intents, compress, openFrames, atOnce: 50 });
  if (opened.failed > 0) throw new Error(`${opened.failed} of ${listeners} listeners did not get ready`);
  // All of the warm-up must have come, or its frames would be counted too.
  const warmUp = await generator.count(listeners * 20, timeoutMs);
  await send(fleet, 20);
  await warmUp.done;
  const pids = fleet.pidsOf("gateway");
  const metricsBefore = await fleet.metricsOf("gateway");
  const cpuBefore = cpuSeconds(pids);
  const { done } = await generator.count(listeners * messages, timeoutMs);
  const startedMs = performance.timeOrigin + performance.now();
  await send(fleet, messages);
  const { frames, lastAtMs, cpuSeconds: generatorCpu } = await done;
  const seconds = (lastAtMs - startedMs) / 1000;
  const metricsAfter = await fleet.metricsOf("gateway");
  const deflates = sumOf(metricsAfter, deflateCalls) - sumOf(metricsBefore, deflateCalls);
  return {
    perSecond: frames / seconds,
    cpuPerDelivery: (cpuSeconds(pids) - cpuBefore) / frames,
    generatorShare: generatorCpu / seconds / 2,
    deflatePerEvent: deflates / messages / pids.length,
  };
}

const deflateCalls = "guildhall_gateway_deflate_calls_total";

async function measureBare(payload: string, listeners: number, messages: number): Promise<Rate> {
  await using bare = await startBare("ws-loop");
  await using generator = new Generator();
  const url = `ws://127.0.0.1:${bare.port}`;
  const tokens = Array.from({ length: listeners }, () => null);
  await generator.open({ url, tokens, intents: null, compress: null, openFrames: 0, atOnce: 50 });
  // The upgrades of the last ones may still be under way: the first frames reach only who is there.
  const warmUp = await generator.count(listeners * 2, 5_000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await bare.ask({ payload, messages: 2 });
  await warmUp.done;
  const { done } = await generator.count(listeners * messages, timeoutMs);
  const startedMs = performance.timeOrigin + performance.now();
  const { cpuSeconds: serverCpu } = await bare.ask<{ cpuSeconds: number }>({ payload, messages });
  const { frames, lastAtMs, cpuSeconds: generatorCpu } = await done;
  const seconds = (lastAtMs - startedMs) / 1000;
  return {
    perSecond: frames / seconds,
    cpuPerDelivery: serverCpu / frames,
    generatorShare: generatorCpu / seconds / 2,
  };
}

/** Fan-out to 100 and 1,000 listeners, plain and zlib-stream, against a bare `ws` loop with the same frames. */
export const fanout: Bench = {
  name: "fanout",
  what: "deliveries a second against a bare ws loop with the same frames",
  async run() {
    const figures: Figure[] = [];
    await using fleet = await createBenchFleet();
    const payload = await captureFrame(fleet);
    for (const { listeners, messages, bareMessages } of sizes) {
      const bare = await measureBare(payload, listeners, bareMessages);
      const plain = await measureFleet(fleet, listeners, messages, null);
      const zlib = await measureFleet(fleet, listeners, messages, "zlib-stream");
      const many = listeners === 1000;
      figures.push(
        { name: `bare, ${listeners}`, value: bare.perSecond, unit: "frames/s" },
        { name: `plain, ${listeners}`, value: plain.perSecond, unit: "frames/s" },
        { name: `zlib-stream, ${listeners}`, value: zlib.perSecond, unit: "frames/s" },
        {
          name: `plain / bare, ${listeners}`,
          value: plain.perSecond / bare.perSecond,
          unit: "ratio",
          ...(many ? { target: atLeast(0.6), budget: atLeast(0.9) } : {}),
        },
        {
          name: `zlib-stream / bare, ${listeners}`,
          value: zlib.perSecond / bare.perSecond,
          unit: "ratio",
          ...(many ? { target: atLeast(0.4), budget: atLeast(0.85) } : {}),
        },
        { name: `server CPU bare, ${listeners}`, value: bare.cpuPerDelivery * 1e6, unit: "µs/frame" },
        { name: `server CPU plain, ${listeners}`, value: plain.cpuPerDelivery * 1e6, unit: "µs/frame" },
        { name: `server CPU zlib-stream, ${listeners}`, value: zlib.cpuPerDelivery * 1e6, unit: "µs/frame" },
        {
          name: `load generator in the bare run, ${listeners}`,
          value: bare.generatorShare * 100,
          unit: "% of machine",
          ...(many ? { target: atMost(40) } : {}),
        },
        {
          name: `deflate calls an event and gateway, ${listeners}`,
          value: zlib.deflatePerEvent,
          unit: "calls",
          ...(many ? { target: atMost(1) } : {}),
        },
      );
    }
    return figures;
  },
};
