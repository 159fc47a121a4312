import type { handleServerStreamingCall } from "@grpc/grpc-js";
import type {
  UserServiceWatchRevocationsRequest as Request,
  UserServiceWatchRevocationsResponse as Response,
} from "@guildhall/proto";
import type { UserContext } from "../context.ts";

/** Streams revoked token hashes, and a beat each 250 ms, until the watcher goes away. */
export function watchRevocations(context: UserContext): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const watch = context.revocations.watch({
      send: (notice) => call.write(notice),
      cut: () => call.destroy(new Error("the watcher is too slow")),
    });
    call.on("drain", watch.drained);
    call.on("cancelled", watch.end);
    call.on("close", watch.end);
    call.on("error", watch.end);
  };
}
