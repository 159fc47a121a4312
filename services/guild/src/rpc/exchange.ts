import { performance } from "node:perf_hooks";
import type { TopicReply, TopicRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { GuildContext } from "../context.ts";

const inFlightLimit = 16_384;

/** Requests of topics, from routers. */
export function makeExchange({ host, events, telemetry }: GuildContext): ExchangeHandler<TopicRequest, TopicReply> {
  return serveExchange<TopicRequest, TopicReply>({
    limit: { inFlight: inFlightLimit },
    metrics: telemetry.metrics,
    async handle(request) {
      const sinceMs = performance.now();
      const span = telemetry.startSpan(`guild.${request.body?.$case ?? "none"}`, request.traceparent);
      try {
        const { traceparent } = span;
        const body = await telemetry.withTraceparent(traceparent, () => host.handle({ ...request, traceparent }));
        events.answered(request, body?.$case === "notOwner" ? "NOT_OWNER" : "OK", performance.now() - sinceMs);
        return body;
      } catch (error) {
        events.failed(request, error, performance.now() - sinceMs);
        throw error;
      } finally {
        span.end();
      }
    },
  });
}
