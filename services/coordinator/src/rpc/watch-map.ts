import type { ServerWritableStream } from "@grpc/grpc-js";
import type { CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import type { CoordinatorContext } from "../context.ts";
import { fromMapDelta } from "./convert.ts";

type Call = ServerWritableStream<CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse>;

/** WatchMap: the published map, then what changes; a slow watcher gets several changes as one. */
export function makeWatchMap({ coordinator }: CoordinatorContext): ((call: Call) => void) & { drain(): Promise<void> } {
  const streams = new Set<Call>();

  const handler = (call: Call): void => {
    let writable = true;
    const write = (): void => {
      if (!writable || call.writableEnded) return;
      const delta = watch.take();
      if (delta !== undefined) writable = call.write(fromMapDelta(delta));
    };
    streams.add(call);
    const watch = coordinator.watchMap(write);
    write();
    call.on("drain", () => {
      writable = true;
      write();
    });
    const leave = (): void => {
      watch[Symbol.dispose]();
      streams.delete(call);
    };
    for (const event of ["error", "close", "cancelled"]) call.on(event, leave);
  };
  const drain = async (): Promise<void> => {
    for (const call of streams) call.end();
  };
  return Object.assign(handler, { drain });
}
