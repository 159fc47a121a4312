import type { Metrics } from "@guildhall/telemetry";

/** Every metric of this service. */
export function makeGatewayMetrics(metrics: Metrics) {
  return {
    connections: metrics.gauge("connections", "Open WebSocket connections"),
    sessions: metrics.gauge("sessions", "Sessions, by whether a client is connected", ["state"]),
    topics: metrics.gauge("topics", "Topics followed", ["kind"]),
    views: metrics.gauge("views", "Different views of connected members, over all guilds"),
    logBytes: metrics.gauge("dispatch_log_bytes", "Bytes held in the dispatch log"),
    logRecords: metrics.gauge("dispatch_log_records", "Records held in the dispatch log"),
    admissionQueue: metrics.gauge("identify_queue", "IDENTIFY payloads that wait for their turn"),
    dispatches: metrics.counter("dispatches_total", "Dispatches sent to sessions"),
    events: metrics.counter("events_total", "Dispatches encoded, once each however many sessions get them"),
    deflateCalls: metrics.counter("deflate_calls_total", "Shared pieces compressed for zlib-stream"),
    bytes: metrics.counter("sent_bytes_total", "Bytes handed to sockets"),
    resumes: metrics.counter("resumes_total", "RESUME payloads, by outcome", ["result"]),
    identifies: metrics.counter("identifies_total", "IDENTIFY payloads, by outcome", ["result"]),
    closes: metrics.counter("closes_total", "Connections that ended, by close code and side", ["code", "by"]),
    handed: metrics.counter("handed_sockets_total", "Connections that the parent has handed over"),
    refused: metrics.counter("refused_total", "Handshakes refused", ["reason"]),
    refills: metrics.counter("refills_total", "Gaps in topics, by outcome", ["result"]),
    topicsLost: metrics.counter("topics_lost_total", "Topics whose missing events could not be had"),
    joins: metrics.counter("joins_total", "Guild joins of sessions, by outcome", ["result"]),
    seals: metrics.counter("seals_total", "Sessions that other gateways claimed, by how they were found", ["result"]),
    drains: metrics.counter("drains_total", "Drains, by how they ended", ["result"]),
    takeOvers: metrics.counter("takeovers_total", "Sessions wanted from other gateways, by outcome", ["result"]),
    catchUps: metrics.counter("catch_ups_total", "Sessions from other gateways on their way to their topics", [
      "result",
    ]),
    hereOnly: metrics.gauge(
      "sessions_here_only",
      "1 while the session log cannot be written: no other gateway can resume",
    ),
    storedLogBytes: metrics.gauge("session_log_bytes", "Bytes of the session log that are kept in the store"),
    ghostBytes: metrics.gauge("ghost_bytes", "Bytes of dispatches held for sessions of other gateways"),
    logDamage: metrics.counter("session_log_damage_total", "Places at which other gateways' session logs were damaged"),
    slowReaders: metrics.counter("slow_readers_total", "Connections closed because their queue was full"),
  };
}

/** The metrics of this service. */
export type GatewayMetrics = ReturnType<typeof makeGatewayMetrics>;
