import type { ClientReadableStream } from "@grpc/grpc-js";
import { CoordinatorServiceClient, type CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import { makeBackoff } from "./backoff.ts";
import { makeGrpcClient, makeStreamMetadata } from "./grpc-client.ts";
import { type MapSink, makeMapFollower } from "./map-follower.ts";

/*
 * States of the watch, which goes on until disposed:
 *
 *   open ──stream ended, or it cannot be followed──▶ waiting ──backoff──▶ open
 *
 * While the coordinator is away the process goes on with the map it has, and learns of owners from hosts.
 */

/** What the watch uses. `watcher` is this process's name; `onChange` is called after each message that changed the map. */
export interface MapWatchOptions {
  readonly address: string;
  readonly watcher: string;
  readonly map: MapSink;
  readonly onChange?: () => void;
}

/** A watch. Disposing it ends it; the map stays as it is. */
export interface MapWatch extends Disposable {
  /** The stream is there and has told the whole map. */
  readonly connected: boolean;
}

/** Follows the coordinator's published map: first whole, then by what changes, and anew when that leaves a gap. */
export function watchShardMap({ address, watcher, map, onChange = () => {} }: MapWatchOptions): MapWatch {
  const client = makeGrpcClient(CoordinatorServiceClient, address);
  const follower = makeMapFollower(map);
  const backoff = makeBackoff(Math.random);
  let stream: ClientReadableStream<CoordinatorServiceWatchMapResponse> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let connected = false;

  function open(): void {
    const opened = client.watchMap({ watcher }, makeStreamMetadata(watcher));
    stream = opened;
    follower.begin();
    opened.on("data", (message: CoordinatorServiceWatchMapResponse) => {
      if (stream !== opened) return;
      const news = follower.take(message);
      if (news === "again") {
        opened.cancel();
        return leave(opened);
      }
      backoff.reset();
      connected = true;
      if (news === "changed") onChange();
    });
    // The status that follows tells the same.
    opened.on("error", () => {});
    opened.on("status", () => leave(opened));
  }

  function leave(left: typeof stream): void {
    if (stream !== left) return;
    stream = undefined;
    connected = false;
    timer = setTimeout(open, backoff.nextMs());
  }

  open();
  return {
    get connected() {
      return connected;
    },
    [Symbol.dispose]() {
      const last = stream;
      stream = undefined;
      clearTimeout(timer);
      last?.cancel();
      client.close();
    },
  };
}
