import { isGuildhallError } from "@guildhall/errors";
import { processEnv, processName } from "./config.ts";
import { type HandedSockets, makeHandedSockets } from "./handed-sockets.ts";

/*
 * States of a process:
 *
 *   starting ──created──▶ ready ──SIGTERM, SIGINT, parent gone──▶ draining ──disposed──▶ stopped (exit 0)
 *      │                                                             │
 *      ├──create() throws──▶ failed (exit 1)                         └──deadline or second signal──▶ failed (exit 1)
 *      └──signal: `stopping` aborts; what was created is drained at once──▶ stopped
 */

/** What a service hands to `runService`: disposing it closes everything it holds. */
export interface Running extends AsyncDisposable {
  /** Where its gRPC server is reached. */
  readonly address?: string | undefined;
  /** Full URL of its metrics page. */
  readonly metricsUrl?: string | undefined;
  /** Further ports it listens on, by name. */
  readonly ports?: Readonly<Record<string, number>> | undefined;
  /** How long (ms) an orderly stop may take from the request on; default 10 s. */
  readonly stopWithinMs?: number | undefined;
  /** Ends what clients see (sessions, calls) in order, before disposal. */
  drain?(): Promise<void>;
}

/** What a service may know of the process it runs in. */
export interface ServiceProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the process is asked to stop, also while it is still starting. */
  readonly stopping: AbortSignal;
  /** Connections that the parent may hand over; undefined without a parent. */
  readonly handedSockets?: HandedSockets | undefined;
}

/** What the parent is sent, as `{ready: …}`, when the process has an IPC channel. */
export interface ReadyMessage {
  readonly name: string;
  readonly address: string | undefined;
  readonly metrics: string | undefined;
  readonly ports: Readonly<Record<string, number>>;
}

const usualDeadlineMs = 10_000;
/** Ctrl-C under npm arrives twice: from the terminal, and forwarded by npm. */
const sameSignalMs = 500;
/** What still holds the event loop after disposal may do so this long. */
const lingerMs = 250;

/**
 * Runs a service until SIGTERM, SIGINT or the loss of its parent, then drains and disposes it. Exit status 0 after an
 * orderly stop; 1 when it could not start, when the deadline (10 s, or `stopWithinMs`) passes, or on a second signal.
 */
export async function runService(
  service: string,
  create: (process: ServiceProcess) => Promise<Running>,
): Promise<void> {
  let running: Running | undefined;
  const stopping = watchStop(() => running?.stopWithinMs ?? usualDeadlineMs);
  const handedSockets = process.channel ? makeHandedSockets(process) : undefined;
  try {
    running = await create({ env: processEnv, stopping, handedSockets });
  } catch (error) {
    if (stopping.aborted) return finish();
    return fail(service, error);
  }
  if (!stopping.aborted) {
    announce(service, running);
    await aborted(stopping);
  }
  try {
    await running.drain?.();
    await running[Symbol.asyncDispose]();
  } catch (error) {
    return fail(service, error);
  }
  finish();
}

/** The signal that the process is to stop; a second request, or none obeyed within the deadline, ends it at once. */
function watchStop(deadlineMs: () => number): AbortSignal {
  const stopping = new AbortController();
  let firstAtMs: number | undefined;
  const onStop = (): void => {
    // It has stopped: its own letting go of the parent is no request.
    if (process.exitCode !== undefined) return;
    const nowMs = performance.now();
    if (firstAtMs !== undefined) {
      if (nowMs - firstAtMs > sameSignalMs) process.exit(1);
      return;
    }
    firstAtMs = nowMs;
    setTimeout(() => process.exit(1), deadlineMs()).unref();
    stopping.abort();
  };
  process.on("SIGTERM", onStop).on("SIGINT", onStop);
  if (process.channel) process.once("disconnect", onStop);
  return stopping.signal;
}

function announce(service: string, running: Running): void {
  const ready: ReadyMessage = {
    name: processName(service),
    address: running.address,
    metrics: running.metricsUrl,
    ports: running.ports ?? {},
  };
  // The parent may be gone already; its "disconnect" stops this process.
  if (process.connected) process.send?.({ ready }, undefined, undefined, () => {});
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // An abort listener alone does not hold the event loop: a service without a socket would end here.
    const hold = setInterval(() => {}, 2 ** 30);
    signal.addEventListener("abort", () => {
      clearInterval(hold);
      resolve();
    });
  });
}

function finish(): void {
  process.exitCode = 0;
  letGo();
}

function fail(service: string, error: unknown): void {
  const name = processName(service);
  const text = isGuildhallError(error) ? `${error.code}: ${error.message}` : describe(error);
  process.stderr.write(`${name}: ${text}\n`);
  process.exitCode = 1;
  letGo();
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Lets output flow out and the event loop run empty, then exits whatever still holds it. */
function letGo(): void {
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), lingerMs).unref();
}
