import type { TopicReply, TopicRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { RouterContext } from "../context.ts";

/** More than the router itself takes, so that it is the router that sheds. */
const inFlight = 25_000;

/** Exchange: requests of api and gateway to the owners of their topics. */
export function makeExchange({ router, telemetry, events }: RouterContext): ExchangeHandler<TopicRequest, TopicReply> {
  return serveExchange<TopicRequest, TopicReply>({
    limit: { inFlight },
    metrics: telemetry.metrics,
    handle: async (request) => {
      const startedMs = performance.now();
      const span = telemetry.startSpan(`router.${request.body?.$case ?? "none"}`, request.traceparent);
      request.traceparent = span.traceparent;
      try {
        const answer = await router.route(request);
        events.answered(request, answer, performance.now() - startedMs);
        return answer;
      } catch (error) {
        events.refused(request, error, performance.now() - startedMs);
        throw error;
      } finally {
        span.end();
      }
    },
  });
}
