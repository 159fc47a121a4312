import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, GuildhallError } from "@guildhall/errors";
import type { EngineFault } from "./engine-error.ts";
import type { EngineOutcome } from "./engine-runner.ts";
import type { EngineCall, EngineReply } from "./engine-worker.ts";

/** A database written by a worker thread of its own, so that no fsync blocks the event loop. One call at a time. */
export interface EngineThread<Op, Answer> extends AsyncDisposable {
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
  /** Told of a file that will not work again (damaged, or of another version). */
  onFatal(error: GuildhallError): void;
}

const closeTimeoutMs = 5_000;

/** Makes the thread's near side. The worker starts with the first call, and anew with the next one after a crash. */
export function makeEngineThread<Op, Answer>(options: EngineThreadOptions): EngineThread<Op, Answer> {
  const { path, unavailableCode, uncertainCode = unavailableCode } = options;
  const codes = { unavailable: unavailableCode, uncertain: uncertainCode };
  let worker: Worker | undefined;
  let waiting: PromiseWithResolvers<EngineOutcome<Answer>> | undefined;
  /** Nothing was asked to be written by who waits. */
  let isHarmless = true;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const settle = (): PromiseWithResolvers<EngineOutcome<Answer>> | undefined => {
    const settled = waiting;
    waiting = undefined;
    return settled;
  };
  const start = (): Worker => {
    const started = new Worker(options.worker, { workerData: { path } });
    started.on("message", (reply: EngineReply<Answer>) => {
      if ("outcome" in reply) settle()?.resolve(reply.outcome);
      else settle()?.reject(toError(reply.failure));
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
  const toError = ({ fault, message }: { fault: EngineFault; message: string }): GuildhallError => {
    const error = engineFailure(fault, message, codes);
    if (isFatal(fault)) options.onFatal(error);
    return error;
  };
  const call = (message: EngineCall<Op>): Promise<EngineOutcome<Answer>> => {
    const outcome = turn.then(() => {
      if (closed) throw new GuildhallError(unavailableCode, `${path} is closed`);
      waiting = Promise.withResolvers();
      isHarmless = !("run" in message) || message.run.length === 0;
      worker ??= start();
      worker.postMessage(message);
      return waiting.promise;
    });
    turn = outcome.catch(() => {});
    return outcome;
  };

  return {
    run: (group) => call({ run: group }),
    async sync() {
      await call({ sync: true });
    },
    async [Symbol.asyncDispose]() {
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

/** Whether a database file with this fault will never work again. */
export function isFatal(fault: EngineFault): boolean {
  return fault === "version" || fault === "damaged";
}

/** The error that callers see for a fault of a database file. */
export function engineFailure(
  fault: EngineFault,
  message: string,
  codes: { readonly unavailable: ErrorCode; readonly uncertain: ErrorCode },
): GuildhallError {
  switch (fault) {
    case "unavailable":
    case "uncertain":
      return new GuildhallError(codes[fault], message);
    case "version":
      return new GuildhallError("STATE_VERSION", message);
    case "damaged":
      return new GuildhallError("INTERNAL", `damaged database: ${message}`);
    default:
      return fault satisfies never;
  }
}
