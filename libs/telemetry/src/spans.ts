import { AsyncLocalStorage } from "node:async_hooks";
import { makeTraceparent } from "./traceparent.ts";

/** A timed part of a trace. Ending it twice does nothing more. */
export interface Span {
  /** What to send to the next hop. */
  readonly traceparent: string;
  setAttribute(key: string, value: string | number | boolean): void;
  recordError(error: unknown): void;
  end(): void;
}

/** Begins a span that is recorded, below a traceparent ("" = a new trace). */
export type StartRecording = (name: string, traceparent: string) => Span;

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

/** Makes spans that are recorded by `record`; without it they only pass traceparents on. */
export function makeSpans(record?: StartRecording): Spans {
  return {
    startSpan: record
      ? (name, given) => record(name, given || currentTraceparent())
      : (_name, given) => new PassingSpan(given || currentTraceparent() || makeTraceparent()),
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
