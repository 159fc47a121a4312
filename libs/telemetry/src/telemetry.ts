import type { DestinationStream } from "pino";
import { createLog, type Log, type LogFormat, type LogLevel } from "./log.ts";
import { type Metrics, makeMetrics } from "./metrics.ts";
import { createProbeServer, type ReadyCheck, type ReadyNotes } from "./probe-server.ts";
import { addProcessMetrics } from "./process-metrics.ts";
import { makeSpans, type Spans } from "./spans.ts";
import type { Tracing } from "./tracing.ts";

/** Whose telemetry it is (`service`: "guild", `name`: "guild-0") and where it goes. */
export interface TelemetryOptions {
  readonly service: string;
  readonly name: string;
  /** Default "info". */
  readonly logLevel?: LogLevel;
  /** Default "json". */
  readonly logFormat?: LogFormat;
  /** Default 127.0.0.1. */
  readonly metricsHost?: string;
  /** Default 0: any free port. */
  readonly metricsPort?: number;
  /** Base URL of an OTLP/HTTP collector; absent = nothing is recorded. */
  readonly otlpEndpoint?: string | undefined;
  /** Replaces stdout. */
  readonly logDestination?: DestinationStream;
}

/** Log, metrics, spans and probes of one process. Disposal closes the probes and sends what is still held. */
export interface Telemetry extends Spans, AsyncDisposable {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Base URL of the probes. */
  readonly url: string;
  /** `<url>/metrics`. */
  readonly metricsUrl: string;
  /**
   * From now on /readyz asks `check` (default: always ready). Before the first call it answers 503. `notes` is said there,
   * too: what serves, but an operator has to know of.
   */
  setReady(check?: ReadyCheck, notes?: ReadyNotes): void;
}

/** Starts a process's telemetry. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { service, name, logLevel = "info", logFormat = "json", otlpEndpoint } = options;
  await using stack = new AsyncDisposableStack();
  const metrics = makeMetrics(service);
  stack.use(addProcessMetrics(metrics));
  const tracing = otlpEndpoint ? stack.use(await trace(service, name, otlpEndpoint)) : undefined;
  let isReady: ReadyCheck = () => ({ service: "starting" });
  let notes: ReadyNotes = () => ({});
  const { metricsHost = "127.0.0.1", metricsPort = 0, logDestination } = options;
  const probes = stack.use(
    await createProbeServer({
      host: metricsHost,
      port: metricsPort,
      metrics,
      isReady: () => isReady(),
      notes: () => notes(),
    }),
  );
  const log = await createLog({
    service,
    name,
    level: logLevel,
    format: logFormat,
    ...(logDestination && { destination: logDestination }),
  });
  const owned = stack.move();
  return {
    ...makeSpans(tracing?.startRecording),
    log,
    metrics,
    url: probes.url,
    metricsUrl: `${probes.url}/metrics`,
    setReady(check = () => true, said = () => ({})) {
      isReady = check;
      notes = said;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function trace(service: string, name: string, otlpEndpoint: string): Promise<Tracing> {
  const { startTracing } = await import("./tracing.ts");
  return startTracing({ service, name, otlpEndpoint });
}
