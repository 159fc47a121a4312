import { startBare } from "../bare/start.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { atLeast } from "../support/report.ts";
import { RestClient, rateFor } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

const atOnce = 32;
const warmUpMs = 2_000;
const durationMs = 8_000;
const content = "The quick brown fox jumps over the lazy dog.";

async function measure(rest: RestClient, path: string): Promise<number> {
  const work = async () => {
    await rest.must("POST", path, { content });
  };
  await rateFor(warmUpMs, atOnce, work);
  return rateFor(durationMs, atOnce, work);
}

/** Messages accepted with no listeners, 32 at once, against a bare JSON echo. */
export const rest: Bench = {
  name: "rest",
  what: "messages accepted a second, no listeners, against a bare JSON echo",
  async run() {
    await using bare = await startBare("http-echo");
    using bareClient = new RestClient(`http://127.0.0.1:${bare.port}`, "none", atOnce);
    const bareRate = await measure(bareClient, "/");
    await using fleet = await createBenchFleet();
    const { api, demo } = fleet;
    using client = new RestClient(api, demo.owner.token, atOnce);
    const rate = await measure(client, `/channels/${demo.channelId}/messages`);
    return [
      { name: "bare node:http JSON echo", value: bareRate, unit: "requests/s" },
      { name: "messages accepted", value: rate, unit: "messages/s", target: atLeast(1000) },
      { name: "accepted / bare", value: rate / bareRate, unit: "ratio", budget: atLeast(0.25) },
    ];
  },
};
