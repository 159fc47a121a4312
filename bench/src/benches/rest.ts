import { startBare } from "../bare/start.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { cpuSeconds } from "../support/proc.ts";
import { atLeast } from "../support/report.ts";
import { RestClient, rateFor } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

const atOnce = 32;
const warmUpMs = 2_000;
const durationMs = 8_000;
const content = "The quick brown fox jumps over the lazy dog.";

interface Cost {
  readonly perSecond: number;
  /** CPU of the serving processes for each request. */
  readonly cpuMicros: number;
}

async function measure(rest: RestClient, path: string, pids: readonly number[]): Promise<Cost> {
  const work = async () => {
    await rest.must("POST", path, { content });
  };
  await rateFor(warmUpMs, atOnce, work);
  const cpuBefore = cpuSeconds(pids);
  const perSecond = await rateFor(durationMs, atOnce, work);
  const cpuMicros = ((cpuSeconds(pids) - cpuBefore) / (perSecond * (durationMs / 1000))) * 1e6;
  return { perSecond, cpuMicros };
}

/** Messages accepted with no listeners, 32 at once, against a bare JSON echo. */
export const rest: Bench = {
  name: "rest",
  what: "messages accepted a second, no listeners, against a bare JSON echo",
  async run() {
    await using bare = await startBare("http-echo");
    using bareClient = new RestClient(`http://127.0.0.1:${bare.port}`, "none", atOnce);
    const bareCost = await measure(bareClient, "/", [bare.child.pid ?? 0]);
    await using fleet = await createBenchFleet();
    const { api, demo } = fleet;
    using client = new RestClient(api, demo.owner.token, atOnce);
    const pids = fleet.fleet.endpoints.processes.map(({ pid }) => pid);
    const cost = await measure(client, `/channels/${demo.channelId}/messages`, pids);
    return [
      { name: "bare node:http JSON echo", value: bareCost.perSecond, unit: "requests/s" },
      { name: "messages accepted", value: cost.perSecond, unit: "messages/s", target: atLeast(1000) },
      { name: "accepted / bare", value: cost.perSecond / bareCost.perSecond, unit: "ratio", budget: atLeast(0.25) },
      { name: "CPU of a bare echo", value: bareCost.cpuMicros, unit: "µs" },
      { name: "CPU of a message, all processes", value: cost.cpuMicros, unit: "µs" },
    ];
  },
};
