import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { GatewayReply, GatewayRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { Metrics } from "@guildhall/telemetry";
import type { GatewayContext } from "../context.ts";
import type { TraceRing } from "../domain/trace-ring.ts";
import { describeSessions } from "./describe-sessions.ts";
import { sealSession } from "./seal-session.ts";
import { traceMessage } from "./trace-message.ts";

/** What is answered from. */
export interface RpcContext {
  readonly gateway: GatewayContext;
  readonly traces: TraceRing;
  isDraining(): boolean;
}

const inFlightLimit = 8_192;

/** The gRPC handler of the gateway's Exchange. */
export function makeExchange(context: RpcContext, metrics: Metrics): ExchangeHandler<GatewayRequest, GatewayReply> {
  const { log } = context.gateway;
  return serveExchange<GatewayRequest, GatewayReply>({
    handle: ({ body }) => answer(context, body),
    limit: { inFlight: inFlightLimit },
    onError: (error, { body }) => {
      const { code, message } = toGuildhallError(error);
      if (code === "INTERNAL") log.error({ err: error, kind: body?.$case }, message);
    },
    metrics,
  });
}

function answer(context: RpcContext, body: GatewayRequest["body"]): NonNullable<GatewayReply["body"]> {
  switch (body?.$case) {
    case "sealSession":
      return { $case: "sealSession", value: sealSession(context.gateway, body.value) };
    case "describeSessions":
      return { $case: "describeSessions", value: describeSessions(context, body.value) };
    case "trace":
      return { $case: "trace", value: traceMessage(context, body.value) };
    case undefined:
      throw new GuildhallError("INVALID_FORM", "the request has no body");
    default:
      return body satisfies never;
  }
}
