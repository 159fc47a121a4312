import {
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { Span, StartRecording } from "./spans.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

/** A running exporter. Disposal sends what is still held. */
export interface Tracing extends AsyncDisposable {
  readonly startRecording: StartRecording;
}

/** Who is traced, and where to: the base URL of an OTLP/HTTP collector. */
export interface TracingOptions {
  readonly service: string;
  readonly name: string;
  readonly otlpEndpoint: string;
}

/**
 * Starts the OpenTelemetry SDK with our own spans only. This module is imported when an exporter is set and not before:
 * it costs some 40 MB.
 */
export function startTracing({ service, name, otlpEndpoint }: TracingOptions): Tracing {
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ "service.name": `guildhall-${service}`, "service.instance.id": name }),
    traceExporter: new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces` }),
    instrumentations: [],
    autoDetectResources: false,
    logRecordProcessors: [],
    metricReaders: [],
  });
  sdk.start();
  const tracer = trace.getTracer("guildhall");
  return {
    startRecording: (spanName, traceparent) => record(tracer, spanName, traceparent),
    [Symbol.asyncDispose]: () => sdk.shutdown(),
  };
}

function record(tracer: Tracer, name: string, traceparent: string): Span {
  const remote = parseTraceparent(traceparent);
  const context = remote
    ? trace.setSpanContext(ROOT_CONTEXT, {
        traceId: remote.traceId,
        spanId: remote.spanId,
        traceFlags: remote.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      })
    : ROOT_CONTEXT;
  return wrap(tracer.startSpan(name, {}, context));
}

function wrap(span: OtelSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  let ended = false;
  return {
    traceparent: formatTraceparent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }),
    setAttribute: (key, value) => void span.setAttribute(key, value),
    recordError(error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end() {
      if (!ended) span.end();
      ended = true;
    },
  };
}
