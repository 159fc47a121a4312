import { type Tracer, trace } from "@opentelemetry/api";

/** A running exporter. Disposal sends what is still held. */
export interface Tracing extends AsyncDisposable {
  readonly tracer: Tracer;
}

/** Who is traced, and where to: the base URL of an OTLP/HTTP collector. */
export interface TracingOptions {
  readonly service: string;
  readonly name: string;
  readonly otlpEndpoint: string;
}

/**
 * Starts the OpenTelemetry SDK with our own spans only. It is loaded here and not at the top: it costs some 20 MB that
 * a process without an exporter saves.
 */
export async function startTracing({ service, name, otlpEndpoint }: TracingOptions): Promise<Tracing> {
  const [{ NodeSDK }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("@opentelemetry/resources"),
  ]);
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ "service.name": `guildhall-${service}`, "service.instance.id": name }),
    traceExporter: new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces` }),
    instrumentations: [],
    autoDetectResources: false,
    logRecordProcessors: [],
    metricReaders: [],
  });
  sdk.start();
  return { tracer: trace.getTracer("guildhall"), [Symbol.asyncDispose]: () => sdk.shutdown() };
}
