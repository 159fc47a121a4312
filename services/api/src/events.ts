import type { GuildhallError } from "@guildhall/errors";
import type { Counter, Histogram, Log, Metrics } from "@guildhall/telemetry";
import type { Route } from "./routes/route.ts";

/** Everything the service counts and logs. */
export interface ApiEvents {
  /** A request was answered; undefined = no route. */
  answered(route: Route | undefined, status: number, elapsedMs: number): void;
  /** A request met a fault of ours. */
  failed(method: string, url: string, error: GuildhallError): void;
  /** A connection was refused, for there were too many. */
  connectionDropped(): void;
  /** A call to another service is made again. */
  retried(service: string, code: string): void;
  /** A rate limit's window was forgotten for want of room. */
  limitForgotten(): void;
  /** Revocations may have been missed: no token is believed without asking. */
  revocationsGap(): void;
}

interface RouteMeters {
  readonly duration: ReturnType<Histogram<"method" | "route">["labels"]>;
  readonly byStatus: Map<number, ReturnType<Counter<"method" | "route" | "status">["labels"]>>;
}

/** Makes the metrics and log lines of the service. */
export function makeEvents(metrics: Metrics, log: Log): ApiEvents {
  const labels = ["method", "route"] as const;
  const durations = metrics.histogram("request_duration_seconds", "Time from request to answer", { labels });
  const answers = metrics.counter("requests_total", "Requests answered", [...labels, "status"]);
  const dropped = metrics.counter("connections_dropped_total", "Connections refused, too many being open");
  const retries = metrics.counter("retries_total", "Calls made again to another service", ["service", "code"]);
  const forgotten = metrics.counter("rate_limits_forgotten_total", "Rate limit windows forgotten for want of room");
  const gaps = metrics.counter("revocation_gaps_total", "Times that revocations may have been missed");
  const meters = new Map<Route | undefined, RouteMeters>();

  const metersOf = (route: Route | undefined): RouteMeters => {
    let found = meters.get(route);
    if (found === undefined) {
      const { method = "-", path = "unknown" } = route ?? {};
      found = { duration: durations.labels({ method, route: path }), byStatus: new Map() };
      meters.set(route, found);
    }
    return found;
  };
  return {
    answered(route, status, elapsedMs) {
      const { duration, byStatus } = metersOf(route);
      duration.observe(elapsedMs / 1000);
      let count = byStatus.get(status);
      if (count === undefined) {
        const { method = "-", path = "unknown" } = route ?? {};
        count = answers.labels({ method, route: path, status });
        byStatus.set(status, count);
      }
      count.inc();
    },
    failed(method, url, error) {
      const stack = (error.cause as { stack?: unknown } | undefined)?.stack ?? error.stack;
      const fields = { method, path: url.split("?", 1)[0], code: error.code, error: error.message };
      // An outage is told by the metrics; a line for each request would be a flood.
      if (error.code === "INTERNAL") log.error({ ...fields, stack }, "request failed");
      else log.debug(fields, "request not served");
    },
    connectionDropped: () => dropped.inc(),
    retried: (service, code) => retries.inc({ service, code }),
    limitForgotten: () => forgotten.inc(),
    revocationsGap: () => gaps.inc(),
  };
}
