import { GuildhallError } from "@guildhall/errors";
import { type CoordinatorReply, type CoordinatorRequest, CoordinatorServiceService } from "@guildhall/proto";
import { createRpcServer, type RpcServer, serveExchange } from "@guildhall/rpc";

/** A small `coordinator`: leases worker id 7 to whoever asks. */
export function startSmallCoordinator(address: string): Promise<RpcServer> {
  const exchange = serveExchange<CoordinatorRequest, CoordinatorReply>({
    limit: { inFlight: 100 },
    handle({ body }) {
      if (body?.$case !== "leaseWorkerId") throw new GuildhallError("INTERNAL", "only leases are served");
      return { $case: "leaseWorkerId", value: { workerId: 7, ttlMs: 30_000, nowMs: BigInt(Date.now()) } };
    },
  });
  const watchMap = () => {
    throw new Error("not served");
  };
  return createRpcServer({ address, services: [[CoordinatorServiceService, { exchange, watchMap }]] });
}
