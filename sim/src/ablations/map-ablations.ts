import type { CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import type { ServerEnd } from "../network/stream.ts";
import type { Ablation } from "./ablation.ts";

/**
 * A coordinator of before is back, with the map that it had: its owner of everything is dead, and the one that took over
 * says so no more. Neither a map with a lower version nor an owner of a lower epoch is believed; one of both is enough.
 */
export const mapGuards: Ablation = {
  name: "map version and highest epoch",
  off: { map: { mapVersion: false, highestEpoch: false } },
  each: [{ map: { mapVersion: false } }, { map: { highestEpoch: false } }],
  finds: "recovery",
  async play(scene) {
    const { machines, network, routers } = scene.world;
    const incarnation = scene.incarnation("guild-0");
    const before: CoordinatorServiceWatchMapResponse = {
      version: BigInt(routers.get("router-0")?.map.version ?? 0),
      fromVersion: 0n,
      removed: [],
      entries: [
        {
          ...{ range: { i: 0, n: 1 }, host: "guild-0", address: "sim:guild-0", epoch: 1, incarnation },
          moving: undefined,
        },
      ],
    };
    machines.crash("guild-0");
    await scene.takeOver("guild-1", "guild-0");
    await scene.answered();
    machines.install("earlier coordinator", (process) =>
      network.listen("sim:coordinator-0", process, {
        watchMap(end) {
          const watcher = end as ServerEnd<unknown, CoordinatorServiceWatchMapResponse>;
          watcher.start({ onMessage() {}, onClosed() {} });
          watcher.send(before);
        },
      }),
    );
    network.reset("router-0", "coordinator-0");
    await scene.pass(1_000);
    await scene.answered();
  },
};
