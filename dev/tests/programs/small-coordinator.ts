// Answers a fleet's applier as a coordinator does whose hosts give their shards away at once.
// TRACE: a file that gets a line for each thing it is told that it was not told before.
// SERVING: how many shards there are already, whatever the document says.
import { appendFileSync } from "node:fs";
import { GuildhallError } from "@guildhall/errors";
import { type CoordinatorReply, type CoordinatorRequest, CoordinatorServiceService } from "@guildhall/proto";
import { createRpcServer, serveExchange } from "@guildhall/rpc";

const { env } = process;
const { TRACE: trace, GUILDHALL_LISTEN: listen = "", GUILDHALL_SHARDS: shards = "1", SERVING: serving = shards } = env;
let last = "";
const note = (line: string) => {
  if (trace !== undefined && line !== last) appendFileSync(trace, `coordinator-0 ${line}\n`);
  last = line;
};
const heardOf = new Set<string>();
const reshard = {
  phase: "",
  from: 0,
  to: 0,
  planHash: "",
  approved: false,
  moved: 0,
  total: 0,
  worstPauseMs: 0,
  startedMs: 0n,
  message: "",
  paused: false,
  split: 0,
  serving: Number(serving),
};

function answer(body: CoordinatorRequest["body"]): CoordinatorReply["body"] {
  switch (body?.$case) {
    case "applySpec": {
      const { hosts = [], paused, shards: wanted = 0 } = body.value.spec ?? {};
      if (![1, 2].includes(wanted / reshard.serving)) throw new GuildhallError("BAD_SPEC", "spec.shards: impossible");
      note(`applies ${wanted} ${hosts.join(",")}${paused ? " paused" : ""}`);
      for (const host of hosts) heardOf.add(host);
      const removableHosts = [...heardOf].filter((host) => !hosts.includes(host));
      return { $case: "applySpec", value: { removableHosts, reshard } };
    }
    case "describeFleet":
      return {
        $case: "describeFleet",
        value: {
          mapVersion: 1n,
          shards: [],
          hosts: [],
          reshard,
          decisions: [],
          moves: [],
          spec: undefined,
          paused: false,
          imbalance: 0,
        },
      };
    case "drainHost":
      note(`drains ${body.value.host}${body.value.dryRun ? " dry" : ""}${body.value.cancel ? " cancel" : ""}`);
      return { $case: "drainHost", value: { shardsLeft: body.value.dryRun ? 2 : 0 } };
    default:
      throw new Error(`not asked for here: ${body?.$case}`);
  }
}

const exchange = serveExchange<CoordinatorRequest, CoordinatorReply>({
  limit: { inFlight: 100 },
  handle: ({ body }) => answer(body),
});
const watchMap = () => {};
const server = await createRpcServer({
  address: listen,
  services: [[CoordinatorServiceService, { exchange, watchMap }]],
});
const stop = async () => {
  await server[Symbol.asyncDispose]();
  process.exit(0);
};
process.on("SIGTERM", () => void stop());
process.on("disconnect", () => process.exit(0));
process.send?.({ ready: { name: "coordinator-0", address: listen, metrics: "", ports: {} } });
