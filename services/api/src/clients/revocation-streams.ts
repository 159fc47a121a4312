import { UserServiceClient } from "@guildhall/proto";
import { makeGrpcClient, makeStreamMetadata } from "@guildhall/rpc";
import type { OpenRevocations } from "../auth/revocation-feed.ts";

/** Opens streams of revocations at `user` processes, as the process `self`. */
export function makeOpenRevocations(self: string): OpenRevocations {
  return (address, { onHashes, onEnd }) => {
    const client = makeGrpcClient(UserServiceClient, address);
    const stream = client.watchRevocations({}, makeStreamMetadata(self));
    let closed = false;
    const close = (): void => {
      if (closed) return;
      closed = true;
      stream.cancel();
      client.close();
    };
    stream.on("data", ({ tokenHashes }) => onHashes(tokenHashes));
    // The status that follows tells the same.
    stream.on("error", () => {});
    stream.on("status", () => {
      if (!closed) onEnd();
    });
    return { close };
  };
}
