import type { Metrics } from "@guildhall/telemetry";

/** Every metric of this service. */
export function makeUserMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter("requests_total", "Requests answered, by kind and outcome code", ["kind", "code"]),
    outboxTrimmed: metrics.counter("outbox_trimmed_total", "Outbox events dropped after their time"),
    membershipsOdd: metrics.counter(
      "memberships_odd_total",
      "Memberships of accounts that are not here (kept), or that cannot be kept (left out)",
      ["what"],
    ),
    revocationWatchers: metrics.gauge("revocation_watchers", "Processes that follow revoked tokens"),
  };
}

/** The metrics of this service. */
export type UserMetrics = ReturnType<typeof makeUserMetrics>;
