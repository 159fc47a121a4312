import { toGuildhallError } from "@guildhall/errors";
import type { TopicRequest } from "@guildhall/proto";
import type { Metrics } from "@guildhall/telemetry";
import type { Bus } from "./domain/bus.ts";
import type { Answer } from "./domain/ports.ts";
import type { Router } from "./domain/router.ts";
import type { Verdict } from "./domain/verdict.ts";

/** Every metric that the router emits, beside those of its streams. */
export interface RouterEvents {
  answered(request: TopicRequest, answer: Answer, tookMs: number): void;
  refused(request: TopicRequest, error: unknown, tookMs: number): void;
  retried(reason: Verdict["kind"]): void;
  published(items: number): void;
  dropped(): void;
  /** Shows what router and bus hold, whenever the metrics are read. */
  show(router: Router, bus: Bus): void;
}

/** Declares the metrics. */
export function makeRouterEvents(metrics: Metrics): RouterEvents {
  const requests = metrics.counter("requests_total", "Requests answered, by kind and outcome.", ["kind", "outcome"]);
  const seconds = metrics.histogram("request_seconds", "Time from request to answer, by kind.", { labels: ["kind"] });
  const retries = metrics.counter("retries_total", "Attempts at a host that did not bring the answer.", ["reason"]);
  const published = metrics.counter("bus_published_total", "Items that publishers sent.");
  const dropped = metrics.counter("bus_dropped_total", "Items left out for a subscriber that is too slow.");

  const record = (request: TopicRequest, outcome: string, tookMs: number): void => {
    const kind = request.body?.$case ?? "none";
    requests.inc({ kind, outcome });
    seconds.observe({ kind }, tookMs / 1_000);
  };

  return {
    answered: (request, answer, tookMs) =>
      record(request, answer.$case === "failure" ? answer.value.code : "ok", tookMs),
    refused: (request, error, tookMs) => record(request, toGuildhallError(error).code, tookMs),
    retried: (reason) => retries.inc({ reason }),
    published: (items) => published.inc(items),
    dropped: () => dropped.inc(),
    show: (router, bus) => showLevels(metrics, router, bus),
  };
}

function showLevels(metrics: Metrics, router: Router, bus: Bus): void {
  const gauges = {
    inFlight: metrics.gauge("in_flight", "Requests under way."),
    sent: metrics.gauge("sent", "Requests written to a host and not answered."),
    waiting: metrics.gauge("waiting", "Requests that wait for an owner, its stream, or a pause to pass."),
    waitingBytes: metrics.gauge("waiting_bytes", "Bytes of the requests that wait."),
    hosts: metrics.gauge("hosts", "Hosts with a stream, up or being tried."),
    mapVersion: metrics.gauge("map_version", "Version of the coordinator's last map."),
    shards: metrics.gauge("shards", "Shards with a known owner."),
    directoryFinds: metrics.gauge("directory_entries", "Directory entries kept."),
    directoryPending: metrics.gauge("directory_pending", "Directory entries being asked for."),
  };
  const subscribers = metrics.gauge("bus_subscribers", "Subscribers of the bus.");
  const topics = metrics.gauge("bus_topics", "Topics with a subscriber.");
  const queued = metrics.gauge("bus_queued", "Items that wait for a subscriber.");
  metrics.beforeRead(() => {
    const status = router.status();
    for (const key of Object.keys(gauges) as (keyof typeof gauges)[]) gauges[key].set(status[key]);
    const counts = bus.counts();
    subscribers.set(counts.subscribers);
    topics.set(counts.topics);
    queued.set(counts.queued);
  });
}
