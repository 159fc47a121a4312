import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Endpoints } from "@guildhall/dev";
import { Generator } from "../load/generator.ts";
import { benchSpec } from "../support/fleet.ts";
import { pssBytes, rssBytes } from "../support/proc.ts";
import { atMost } from "../support/report.ts";
import { inLanes, RestClient } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

/** GUILDS only: sessions that wait. */
const intents = 1;
const startTimeoutMs = 120_000;
const events = 10_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A fleet as users start it, with its supervisor in a process of its own, so that the sum is the whole of it. */
async function startAsUsersDo() {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "guildhall-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const spec = join(folder, "shardset.yaml");
  // JSON is YAML.
  await writeFile(spec, JSON.stringify(benchSpec));
  const main = fileURLToPath(new URL("../../../dev/src/main.ts", import.meta.url));
  const state = join(folder, "state");
  // As `npm start` runs it.
  const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];
  const asked = ["--state", state, "--port", "0", "--spec", spec];
  const child = spawn(process.execPath, [...flags, main, ...asked], { stdio: ["ignore", "ignore", 2] });
  stack.defer(async () => {
    if (child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  });
  const endpoints = await readEndpoints(join(state, "endpoints.json"));
  const owned = stack.move();
  return { endpoints, supervisorPid: child.pid ?? 0, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function readEndpoints(file: string): Promise<Endpoints> {
  const endMs = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      return JSON.parse(await readFile(file, "utf8")) as Endpoints;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(100);
    }
  }
}

/** Memory of an idle fleet, and of each idle session. */
export const idle: Bench = {
  name: "idle",
  what: "memory of an idle fleet and of each idle session",
  async run({ quietMs }) {
    await using fleet = await startAsUsersDo();
    const { api, gateway, demo, processes } = fleet.endpoints;
    if (demo === undefined) throw new Error("the fleet came without its demo");
    await sleep(Math.min(quietMs, 20_000));
    const pss = pssBytes([fleet.supervisorPid, ...processes.map(({ pid }) => pid)]);
    const gateways = processes.filter(({ service }) => service === "gateway").map(({ pid }) => pid);
    await using generator = new Generator();
    const open = async (count: number) => {
      const tokens = Array.from({ length: count }, () => demo.bot.token);
      await generator.open({ url: gateway, tokens, intents, compress: null, openFrames: 3, atOnce: 50 });
      await sleep(quietMs);
      return rssBytes(gateways);
    };
    const atThousand = await open(1000);
    const atFiveThousand = await open(4000);
    using rest = new RestClient(api, demo.owner.token, 16);
    await inLanes(events, 16, async () => {
      await rest.must("POST", `/channels/${demo.channelId}/messages`, {
        content: "an event that idle sessions do not get",
      });
    });
    await sleep(quietMs);
    const afterEvents = rssBytes(gateways);
    const kib = (bytes: number) => bytes / 4000 / 1024;
    return [
      { name: "idle fleet, sum of PSS", value: pss / 2 ** 20, unit: "MiB", target: atMost(700), budget: atMost(500) },
      {
        name: "a session",
        value: kib(atFiveThousand - atThousand),
        unit: "KiB",
        target: atMost(20),
        budget: atMost(12),
      },
      {
        name: `a session after ${events} events`,
        value: kib(afterEvents - atThousand),
        unit: "KiB",
        target: atMost(20),
      },
    ];
  },
};
