import type { CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import { type MapSink, makeMapFollower } from "@guildhall/rpc/map-follower";
import type { SimProcess } from "../engine/sim-process.ts";
import { keepStream } from "./kept-stream.ts";
import type { Network } from "./network.ts";

/** Follows the coordinator's published map, as the real watch does. */
export function watchMap(
  network: Network,
  process: SimProcess,
  {
    coordinator,
    map,
    onChange = () => {},
  }: {
    readonly coordinator: string;
    readonly map: MapSink;
    readonly onChange?: () => void;
  },
): void {
  const follower = makeMapFollower(map);
  const stream = keepStream<CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse>(
    network,
    process,
    { addresses: [coordinator], service: "watchMap" },
    {
      onConnect() {
        follower.begin();
        stream.send({ watcher: process.name });
      },
      onMessage(message) {
        const news = follower.take(message);
        if (news === "again") stream.reopen();
        else if (news === "changed") onChange();
      },
      onLost() {},
    },
  );
}
