import { createBenchFleet } from "../support/fleet.ts";
import { sumOf } from "../support/metrics-page.ts";
import { atLeast } from "../support/report.ts";
import { inLanes, RestClient, rateFor } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

const readers = 32;
const stored = 200;

/** The newest 50 messages of a hot channel, 32 readers at once, and the first read of an old page by all of them. */
export const history: Bench = {
  name: "history",
  what: "pages of a hot channel a second, and store queries they cost",
  async run() {
    await using fleet = await createBenchFleet();
    const { api, demo } = fleet;
    using rest = new RestClient(api, demo.owner.token, readers);
    const path = `/channels/${demo.channelId}/messages`;
    const ids: string[] = [];
    await inLanes(stored, 8, async (index) => {
      ids.push((JSON.parse(await rest.must("POST", path, { content: `message ${index}` })) as { id: string }).id);
    });
    ids.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const read = async () => {
      await rest.must("GET", `${path}?limit=50`);
    };
    await rateFor(1_000, readers, read);
    const before = await fleet.metricsOf("data");
    const perSecond = await rateFor(6_000, readers, read);
    const between = await fleet.metricsOf("data");
    await inLanes(readers, readers, async () => {
      await rest.must("GET", `${path}?limit=50&before=${ids[100]}`);
    });
    const after = await fleet.metricsOf("data");
    const queries = "guildhall_data_page_queries_total";
    return [
      { name: "hot pages", value: perSecond, unit: "pages/s", target: atLeast(800), budget: atLeast(1500) },
      {
        name: "store queries of the hot run",
        value: sumOf(between, queries) - sumOf(before, queries),
        unit: "queries",
      },
      {
        name: `store queries of ${readers} equal reads of an old page`,
        value: sumOf(after, queries) - sumOf(between, queries),
        unit: "queries",
      },
    ];
  },
};
