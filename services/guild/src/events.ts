import { toGuildhallError } from "@guildhall/errors";
import { HandoffResult, type TopicRequest } from "@guildhall/proto";
import { formatRange } from "@guildhall/slots";
import type { Telemetry } from "@guildhall/telemetry";
import type { Host } from "./domain/hosting/host.ts";
import type { HostStats } from "./domain/hosting/host-stats.ts";
import type { Reporter } from "./domain/ports.ts";

/** Every metric and log event of a host, beside those of its streams. */
export interface GuildEvents extends Reporter {
  answered(request: TopicRequest, outcome: string, tookMs: number): void;
  failed(request: TopicRequest, error: unknown, tookMs: number): void;
  /** Shows what the host holds and has counted, whenever the metrics are read. */
  show(host: Host): void;
}

const results: Readonly<Record<number, string>> = {
  [HandoffResult.HANDOFF_RESULT_DONE]: "done",
  [HandoffResult.HANDOFF_RESULT_TAKEN_BACK]: "taken_back",
  [HandoffResult.HANDOFF_RESULT_REFUSED]: "refused",
};

const counted: Readonly<Record<keyof HostStats, string>> = {
  commands: "Commands that came, repeats included.",
  refusals: "Commands that were refused or failed.",
  repeats: "Commands that had come before.",
  reads: "Reads answered.",
  joins: "Joins of sessions answered.",
  refills: "Refills of events answered.",
  appends: "Append requests to the journal.",
  records: "Records sent to the journal, resends included.",
  seals: "Times a topic was sealed until its records were settled.",
  stalls: "Times settling a topic's records took so long that its askers were sent away.",
  rebuilds: "Times a topic was put back to what is stored.",
  outcomesUnknown: "Commands whose outcome stayed unknown.",
  shardsLost: "Shards dropped because another host has taken them over.",
  shardsGiven: "Shards handed over to another host.",
  shardsReceived: "Shards taken over from a host that handed them over.",
  heldUp: "Requests that waited for a shard to change hands.",
  fenceChecks: "Checks of the journal for reads without a fresh lease.",
  applyFailures: "Attempts to bring records to the store that failed.",
  snapshotsRendered: "Snapshots rendered for joining sessions.",
  snapshotsReused: "Joins answered with a snapshot that was there.",
  ringTooOld: "Refills refused because the events are no longer held.",
  queueFull: "Commands refused because too many records of the guild were under way.",
};

/** Declares them. */
export function makeGuildEvents({ log, metrics }: Pick<Telemetry, "log" | "metrics">): GuildEvents {
  const requests = metrics.counter("requests_total", "Requests answered, by kind and outcome.", ["kind", "outcome"]);
  const seconds = metrics.histogram("request_seconds", "Time from request to answer, by kind.", { labels: ["kind"] });
  const handoffs = metrics.counter("handoffs_total", "Moves, splits and retakes that ended, by result.", [
    "kind",
    "outcome",
  ]);
  const pauses = metrics.histogram("handoff_pause_seconds", "From a shard's seal to when its commands went on.", {
    labels: ["kind", "outcome"],
  });
  const record = ({ body }: TopicRequest, outcome: string, tookMs: number): void => {
    const kind = body?.$case ?? "none";
    requests.inc({ kind, outcome });
    seconds.observe({ kind }, tookMs / 1_000);
  };
  return {
    answered: record,
    failed(request, error, tookMs) {
      const { code, message } = toGuildhallError(error);
      record(request, code, tookMs);
      if (code === "INTERNAL") log.error({ err: error, kind: request.body?.$case }, message);
    },
    warn(what, { error, ...details }) {
      log.warn({ ...details, ...(error === undefined ? {} : { err: error }) }, what);
    },
    handoffEnded(kind, { moveId, range, result, reason, pauseMs }) {
      const outcome = results[result] ?? "none";
      handoffs.inc({ kind, outcome });
      if (pauseMs > 0) pauses.observe({ kind, outcome }, pauseMs / 1_000);
      log.info({ kind, moveId, range: range && formatRange(range), outcome, reason, pauseMs }, "a handoff ended");
    },
    show: (host) => showHost(metrics, host),
  };
}

function showHost(metrics: Telemetry["metrics"], host: Host): void {
  const counters = Object.entries(counted).map(([key, help]) => ({
    key: key as keyof HostStats,
    counter: metrics.counter(`${snakeCase(key)}_total`, help),
    shown: 0,
  }));
  const gauges = {
    shards: metrics.gauge("shards", "Shards served."),
    topics: metrics.gauge("topics_open", "Guilds in memory."),
    members: metrics.gauge("members_cached", "Members in memory."),
    messages: metrics.gauge("messages_cached", "Messages in memory."),
    backlog: metrics.gauge("unapplied_records", "Records journaled here and not yet in the store."),
    backlogBytes: metrics.gauge("unapplied_bytes", "Bytes of the records not yet in the store."),
    ringBytes: metrics.gauge("ring_bytes", "Bytes of events kept for refills."),
    retries: metrics.gauge("retries_kept", "Request ids kept to recognise repeats."),
    sealed: metrics.gauge("shards_sealed", "Shards that are changing hands: what comes for them waits."),
    coming: metrics.gauge("shards_coming", "Shards that other hosts are about to hand over."),
  };
  metrics.beforeRead(() => {
    for (const each of counters) {
      each.counter.inc(host.stats[each.key] - each.shown);
      each.shown = host.stats[each.key];
    }
    const { topics, members, messages, sealed, coming } = host.sizes();
    const sum = (of: (shard: Host["shards"][number]) => number) =>
      host.shards.reduce((total, shard) => total + of(shard), 0);
    gauges.shards.set(host.shards.length);
    gauges.topics.set(topics);
    gauges.members.set(members);
    gauges.messages.set(messages);
    gauges.backlog.set(sum(({ applier }) => applier.backlog));
    gauges.backlogBytes.set(sum(({ applier }) => applier.backlogBytes));
    gauges.ringBytes.set(sum(({ ring }) => ring.sizeBytes));
    // The halves of a split shard share one.
    gauges.retries.set(
      [...new Set(host.shards.map(({ retries }) => retries))].reduce((all, { size }) => all + size, 0),
    );
    gauges.sealed.set(sealed);
    gauges.coming.set(coming);
  });
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
