import { randomFillSync } from "node:crypto";

/** The parts of a W3C `traceparent` (version 00): 32 and 16 lower-case hex digits, and whether it is sampled. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const noTrace = "0".repeat(32);
const noSpan = "0".repeat(16);

/** Reads a traceparent as https://www.w3.org/TR/trace-context/ asks; undefined when it is none. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = ""] = match;
  if (version === "ff" || (version === "00" && text.length !== 55)) return undefined;
  if (traceId === noTrace || spanId === noSpan) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a traceparent of version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

// A call into the random generator costs more than the bytes: many ids are drawn at once.
const pool = Buffer.alloc(24 * 64);
let used = pool.length;

/** Begins a trace that nobody records: random ids, flag 00. */
export function makeTraceparent(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const hex = pool.toString("hex", used, used + 24);
  used += 24;
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
}
