import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { currentTraceparent } from "./spans.ts";
import { parseTraceparent } from "./traceparent.ts";

/** How much is logged. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** One JSON object a line for machines, or coloured lines for people. */
export type LogFormat = "json" | "pretty";

/** Writes one line at a level: fields first, then a constant message. */
export interface LogWrite {
  (fields: object, message?: string): void;
  (message: string): void;
}

/** The log of a process, or of a part of it. */
export interface Log {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  readonly error: LogWrite;
  /** A log whose lines all carry `fields`. */
  child(fields: object): Log;
}

/** Who logs, what and how; `destination` replaces stdout. */
export interface LogOptions {
  readonly service: string;
  readonly name: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly destination?: DestinationStream;
}

const secretKeys = ["token", "bot_token", "botToken", "password", "authorization", "Authorization", "cookie"];
/** How deep in a line's fields secrets are looked for. */
const redactDepth = 4;

/** Makes the log. Values of secret keys (tokens, passwords, authorization headers) are never written. */
export async function createLog({ service, name, level, format, destination }: LogOptions): Promise<Log> {
  const options: LoggerOptions = {
    level,
    base: { service, name },
    mixin() {
      const trace = parseTraceparent(currentTraceparent());
      // A new object each time: pino adds the line's fields to it.
      return trace ? { trace_id: trace.traceId } : {};
    },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    // As JSON numbers, ids would lose digits in most readers.
    hooks: { logMethod: writeBigints },
    redact: { paths: redactedPaths(), censor: "[redacted]" },
  };
  return pino(options, destination ?? (await openDestination(format)));
}

async function openDestination(format: LogFormat): Promise<DestinationStream> {
  if (format === "json") return pino.destination({ fd: 1, sync: true });
  const { default: pretty } = await import("pino-pretty");
  return pretty({ sync: true, destination: 1, translateTime: "HH:MM:ss.l", ignore: "service" });
}

function redactedPaths(): string[] {
  const paths: string[] = [];
  for (let depth = 0; depth < redactDepth; depth += 1) {
    for (const key of secretKeys) paths.push(`${"*.".repeat(depth)}${key}`);
  }
  return paths;
}

function writeBigints(
  this: Logger,
  args: Parameters<Logger["info"]>,
  write: (...args: Parameters<Logger["info"]>) => void,
): void {
  const [fields] = args as unknown[];
  if (typeof fields === "object" && fields !== null && hasBigint(fields)) {
    (args as unknown[])[0] = withTextIds(fields);
  }
  write.apply(this, args);
}

function hasBigint(fields: object): boolean {
  for (const value of Object.values(fields)) if (typeof value === "bigint") return true;
  return false;
}

function withTextIds(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === "bigint" ? String(value) : value]),
  );
}
