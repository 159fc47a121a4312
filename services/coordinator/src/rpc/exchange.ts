import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { CoordinatorReply, CoordinatorRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { CoordinatorContext } from "../context.ts";
import { answer } from "./answer.ts";

const inFlight = 4_096;

/** Exchange: leases of worker ids and of hosts, orders, and the verbs of operators. */
export function makeExchange(context: CoordinatorContext): ExchangeHandler<CoordinatorRequest, CoordinatorReply> {
  const { coordinator, backup, telemetry } = context;
  return serveExchange<CoordinatorRequest, CoordinatorReply>({
    limit: { inFlight },
    metrics: telemetry.metrics,
    onError: (error, request) => {
      const asked = request?.body?.$case;
      // What is refused on purpose says all in its message.
      if (isGuildhallError(error) && error.code !== "INTERNAL") {
        telemetry.log.info({ asked, code: error.code, reason: error.message }, "refused");
      } else {
        telemetry.log.warn({ err: error, asked }, "failed");
      }
    },
    handle: async ({ body }) => {
      if (body === undefined) throw new GuildhallError("INVALID_FORM", "the request asks for nothing");
      if (body.$case === "backup") return { $case: "backup", value: { files: await backup(body.value.folder) } };
      return answer(coordinator, body);
    },
  });
}
