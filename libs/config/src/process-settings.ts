import { oneOf, port, str, url } from "./parsers.ts";

/** The settings of every process; their names are those of `createTelemetry`'s options. */
export const processSettings = {
  name: { env: "GUILDHALL_NAME", parse: str },
  metricsHost: { env: "GUILDHALL_METRICS_HOST", parse: str, default: "127.0.0.1" },
  metricsPort: { env: "GUILDHALL_METRICS_PORT", parse: port, default: 0 },
  logLevel: {
    env: "GUILDHALL_LOG_LEVEL",
    parse: oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    default: "info",
  },
  logFormat: { env: "GUILDHALL_LOG_FORMAT", parse: oneOf(["json", "pretty"]), default: "json" },
  otlpEndpoint: { env: "OTEL_EXPORTER_OTLP_ENDPOINT", parse: url(["http", "https"]), default: undefined },
} as const;
