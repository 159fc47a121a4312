export type { Log, LogFormat, LogLevel, LogWrite } from "./log.ts";
export { type Counter, type Gauge, type Histogram, type Metrics, makeMetrics } from "./metrics.ts";
export type { ReadyCheck } from "./probe-server.ts";
export { currentTraceparent, makeSpans, type Span, type Spans } from "./spans.ts";
export { createTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export { formatTraceparent, makeTraceparent, parseTraceparent, type TraceContext } from "./traceparent.ts";
