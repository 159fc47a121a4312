import { UserServiceClient } from "@guildhall/proto";
import { makeGrpcClient, makeStreamMetadata } from "@guildhall/rpc";
import type { OpenRevocations } from "../auth/revocation-feed.ts";

/** Opens streams of revocations at `user` processes, as the process `self`. */
export function makeOpenRevocations(self: string): OpenRevocations {
  return (address, { onHashes, onEnd }) => {
    const client = makeGrpcClient(UserServiceClient, address);
    const stream = client.watchRevocations({}, makeStreamMetadata(self));
    const close = (): void => {
      stream.cancel();
      client.close();
    };
    stream.on("data", ({ tokenHashes }) => onHashes(tokenHashes));
    // Its end follows, and says all that matters.
    stream.on("error", () => {});
    stream.on("close", () => {
      client.close();
      onEnd();
    });
    return { close };
  };
}
