import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, GuildhallError } from "@guildhall/errors";
import { markDamaged } from "./damage-mark.ts";
import { EngineError, type EngineFault } from "./engine-error.ts";
import type { EngineOutcome } from "./engine-runner.ts";
import type { EngineCall, EngineReply } from "./engine-worker.ts";
import type { SalvageReport } from "./salvage-report.ts";

/** A database written by a worker thread of its own, so that no fsync blocks the event loop. One call at a time. */
export interface EngineThread<Op, Answer> extends AsyncDisposable {
  /**
   * Opens the file. A damaged one is replaced by what is left of it, after `before` has come to pass; rejects with INTERNAL
   * when nothing is.
   */
  open(before?: Promise<unknown>): Promise<void>;
  /** Commits a group. Rejects with `unavailableCode` when nothing of it was applied, `uncertainCode` when nobody knows. */
  run(group: readonly Op[]): Promise<EngineOutcome<Answer>>;
  /** Makes all that was committed durable. */
  sync(): Promise<void>;
}

/** Which file, which worker, and what its failures are called. */
export interface EngineThreadOptions {
  readonly path: string;
  readonly worker: URL;
  readonly unavailableCode: ErrorCode;
  /** Default: `unavailableCode`, where doing it again does no harm. */
  readonly uncertainCode?: ErrorCode;
  /** Told of a file that will not work again in this process (damaged, or of another version). */
  onFatal(error: GuildhallError): void;
  /** Told of a file that was damaged and has been replaced. */
  readonly onSalvaged?: ((report: SalvageReport) => void) | undefined;
}

/** What a call brings. */
type Done<Answer> = Exclude<EngineReply<Answer>, { readonly failure: unknown }>;

/** What failures are called. */
interface EngineCodes {
  readonly unavailable: ErrorCode;
  readonly uncertain: ErrorCode;
}

const closeTimeoutMs = 5_000;

/** Makes the thread's near side. The worker starts with the first call, and anew with the next one after a crash. */
export function makeEngineThread<Op, Answer>(options: EngineThreadOptions): EngineThread<Op, Answer> {
  const { path } = options;
  const calls = makeCalls<Op, Answer>(options);
  /** What turns out damaged at work is salvaged when the process starts again. */
  const callAtWork = async (message: EngineCall<Op>): Promise<Done<Answer>> => {
    try {
      return await calls.call(message);
    } catch (error) {
      const fault = faultOf(error);
      if (fault?.fault === "damaged") markDamaged(path, fault.message);
      if (fault !== undefined && isFatal(fault.fault)) options.onFatal(error as GuildhallError);
      throw error;
    }
  };

  return {
    async open(before) {
      try {
        await calls.call({ run: [] });
      } catch (error) {
        const fault = faultOf(error);
        if (fault?.fault !== "damaged") throw error;
        await before;
        const done = await calls.call({ salvage: fault.message });
        if ("salvaged" in done) options.onSalvaged?.(done.salvaged);
        await calls.call({ run: [] });
      }
    },
    async run(group) {
      const done = await callAtWork({ run: group });
      return "outcome" in done ? done.outcome : { answers: [], seconds: 0 };
    },
    async sync() {
      await callAtWork({ sync: true });
    },
    [Symbol.asyncDispose]: calls.close,
  };
}

/** Calls of the worker, one after the other. */
interface Calls<Op, Answer> {
  call(message: EngineCall<Op>): Promise<Done<Answer>>;
  /** After those that were made. */
  close(): Promise<void>;
}

function makeCalls<Op, Answer>(options: EngineThreadOptions): Calls<Op, Answer> {
  const { path, unavailableCode, uncertainCode = unavailableCode } = options;
  const codes = { unavailable: unavailableCode, uncertain: uncertainCode };
  let worker: Worker | undefined;
  let waiting: PromiseWithResolvers<Done<Answer>> | undefined;
  /** Nothing was asked to be written by who waits. */
  let isHarmless = true;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const settle = (): typeof waiting => {
    const settled = waiting;
    waiting = undefined;
    return settled;
  };
  const start = (): Worker => {
    const started = new Worker(options.worker, { workerData: { path } });
    started.on("message", (reply: EngineReply<Answer>) => {
      if ("failure" in reply) settle()?.reject(toError(reply.failure, codes));
      else settle()?.resolve(reply);
    });
    const lost = (error?: unknown): void => {
      if (worker !== started) return;
      worker = undefined;
      const code = isHarmless ? unavailableCode : uncertainCode;
      settle()?.reject(new GuildhallError(code, `${path}: its thread ended`, { cause: error }));
    };
    started.on("error", lost);
    started.on("exit", lost);
    return started;
  };
  return {
    call(message) {
      const done = turn.then(() => {
        if (closed) throw new GuildhallError(unavailableCode, `${path} is closed`);
        waiting = Promise.withResolvers();
        isHarmless = !("run" in message) || message.run.length === 0;
        worker ??= start();
        worker.postMessage(message);
        return waiting.promise;
      });
      turn = done.catch(() => {});
      return done;
    },
    async close() {
      await turn;
      closed = true;
      const ending = worker;
      worker = undefined;
      if (ending === undefined) return;
      const exited = once(ending, "exit");
      const deadline = setTimeout(() => void ending.terminate(), closeTimeoutMs);
      ending.postMessage({ close: true } satisfies EngineCall<Op>);
      await exited;
      clearTimeout(deadline);
    },
  };
}

function toError({ fault, message }: { fault: EngineFault; message: string }, codes: EngineCodes): GuildhallError {
  const cause = new EngineError(fault, message);
  return new GuildhallError(engineCode(fault, codes), engineMessage(fault, message), { cause });
}

/** Whether a database file with this fault will never work again. */
export function isFatal(fault: EngineFault): boolean {
  return fault === "version" || fault === "damaged";
}

/** The error that callers see for a fault of a database file. */
export function engineFailure(fault: EngineFault, message: string, codes: EngineCodes): GuildhallError {
  return new GuildhallError(engineCode(fault, codes), engineMessage(fault, message));
}

function engineCode(fault: EngineFault, codes: EngineCodes): ErrorCode {
  switch (fault) {
    case "unavailable":
    case "uncertain":
      return codes[fault];
    case "version":
      return "STATE_VERSION";
    case "damaged":
      return "INTERNAL";
    default:
      return fault satisfies never;
  }
}

function engineMessage(fault: EngineFault, message: string): string {
  return fault === "damaged" ? `damaged database: ${message}` : message;
}

/** What went wrong with the file, when it was that. */
function faultOf(error: unknown): EngineError | undefined {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof EngineError ? cause : undefined;
}
