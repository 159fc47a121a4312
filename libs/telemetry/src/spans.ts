import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { formatTraceparent, makeTraceparent, parseTraceparent } from "./traceparent.ts";

/** A timed part of a trace. Ending it twice does nothing more. */
export interface Span {
  /** What to send to the next hop. */
  readonly traceparent: string;
  setAttribute(key: string, value: string | number | boolean): void;
  recordError(error: unknown): void;
  end(): void;
}

/** Begins spans, and keeps the traceparent of the work under way. */
export interface Spans {
  /**
   * Begins a span below `traceparent` (default: `currentTraceparent()`; neither, or text that is none: a new trace).
   * Without an exporter nothing is recorded and the traceparent goes on as it came.
   */
  startSpan(name: string, traceparent?: string): Span;
  /** The traceparent of the `withTraceparent` around this code; "" outside. */
  currentTraceparent(): string;
  /** Runs `work`, and what it awaits, under a traceparent; log lines made in it carry its trace id. */
  withTraceparent<T>(traceparent: string, work: () => T): T;
}

const current = new AsyncLocalStorage<string>();

/** The traceparent of the work under way, in any telemetry of this process; "" outside of all. */
export function currentTraceparent(): string {
  return current.getStore() ?? "";
}

/** Makes spans that go to `tracer`; without one they only pass traceparents on. */
export function makeSpans(tracer: Tracer | undefined): Spans {
  const parentOf = (given: string | undefined) => given || currentTraceparent();
  return {
    startSpan: tracer
      ? (name, given) => startRecording(tracer, name, parentOf(given))
      : (_name, given) => new PassingSpan(parentOf(given) || makeTraceparent()),
    currentTraceparent,
    withTraceparent: (traceparent, work) => current.run(traceparent, work),
  };
}

/** What `startSpan` gives while nothing is recorded: one field. */
class PassingSpan implements Span {
  readonly traceparent: string;

  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }

  setAttribute(): void {}
  recordError(): void {}
  end(): void {}
}

function startRecording(tracer: Tracer, name: string, parent: string): Span {
  const remote = parseTraceparent(parent);
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
