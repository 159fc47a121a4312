import type { ServerWritableStream } from "@grpc/grpc-js";
import type { CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import type { MapUpdate } from "@guildhall/slots";
import type { CoordinatorContext } from "../context.ts";
import { fromMapUpdate } from "./convert.ts";

type Call = ServerWritableStream<CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse>;

/** WatchMap: the published map, then each later one; a slow watcher skips those in between. */
export function makeWatchMap({ coordinator }: CoordinatorContext): ((call: Call) => void) & { drain(): Promise<void> } {
  const streams = new Set<Call>();

  const handler = (call: Call): void => {
    let writable = true;
    let next: MapUpdate | undefined;
    const write = (map: MapUpdate): void => {
      if (call.writableEnded) return;
      if (writable) writable = call.write(fromMapUpdate(map));
      else next = map;
    };
    streams.add(call);
    const watching = coordinator.watchMap(write);
    call.on("drain", () => {
      writable = true;
      const map = next;
      next = undefined;
      if (map !== undefined) write(map);
    });
    const leave = (): void => {
      watching[Symbol.dispose]();
      streams.delete(call);
    };
    for (const event of ["error", "close", "cancelled"]) call.on(event, leave);
  };
  const drain = async (): Promise<void> => {
    for (const call of streams) call.end();
  };
  return Object.assign(handler, { drain });
}
