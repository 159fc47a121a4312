import type { ClientReadableStream } from "@grpc/grpc-js";
import { CoordinatorServiceClient, type CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import { makeGrpcClient, makeStreamMetadata } from "@guildhall/rpc";
import type { MapUpdate } from "@guildhall/slots";
import { toMapUpdate } from "../rpc/convert.ts";

/*
 * States of the watch, which goes on until disposed:
 *
 *   open ──stream ended──▶ waiting ──backoff──▶ open
 *
 * While the coordinator is away the router goes on with the map it has, and learns of owners from hosts.
 */

/** What the watch uses. `watcher` is this process's name. */
export interface MapWatchOptions {
  readonly address: string;
  readonly watcher: string;
  readonly onMap: (map: MapUpdate) => void;
}

const firstPauseMs = 50;
const lastPauseMs = 2_000;

/** Follows the coordinator's published map. */
export function makeMapWatch({ address, watcher, onMap }: MapWatchOptions): Disposable {
  const client = makeGrpcClient(CoordinatorServiceClient, address);
  let stream: ClientReadableStream<CoordinatorServiceWatchMapResponse> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;
  let disposed = false;

  function open(): void {
    stream = client.watchMap({ watcher }, makeStreamMetadata(watcher));
    stream.on("data", (message: CoordinatorServiceWatchMapResponse) => {
      pauseMs = firstPauseMs;
      onMap(toMapUpdate(message));
    });
    // The status that follows tells the same.
    stream.on("error", () => {});
    stream.on("status", () => {
      if (disposed) return;
      timer = setTimeout(open, pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(lastPauseMs, pauseMs * 2);
    });
  }

  open();
  return {
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
      stream?.cancel();
      client.close();
    },
  };
}
