import { GuildhallError } from "@guildhall/errors";
import type { CoordinatorReply, CoordinatorRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { CoordinatorContext } from "../context.ts";
import { fromRenewed, toRenewal, toWorkerAsk } from "./convert.ts";

const inFlight = 4_096;

/** Exchange: leases of worker ids and of hosts. */
export function makeExchange(context: CoordinatorContext): ExchangeHandler<CoordinatorRequest, CoordinatorReply> {
  const { coordinator, telemetry } = context;
  return serveExchange<CoordinatorRequest, CoordinatorReply>({
    limit: { inFlight },
    metrics: telemetry.metrics,
    onError: (error, request) => telemetry.log.warn({ err: error, asked: request?.body?.$case }, "refused"),
    handle: async ({ body }) => {
      switch (body?.$case) {
        case "leaseWorkerId": {
          const { nowMs, ...lease } = await coordinator.leaseWorker(toWorkerAsk(body.value));
          return { $case: "leaseWorkerId", value: { ...lease, nowMs: BigInt(Math.floor(nowMs)) } };
        }
        case "renewHost":
          return { $case: "renewHost", value: fromRenewed(await coordinator.renewHost(toRenewal(body.value))) };
        default:
          throw new GuildhallError("INVALID_FORM", "the request asks for nothing");
      }
    },
  });
}
