import { parentPort, workerData } from "node:worker_threads";
import { type EngineFault, toEngineError } from "./engine-error.ts";
import { type EngineKind, type EngineOutcome, makeEngineRunner } from "./engine-runner.ts";
import type { SalvageReport } from "./salvage-report.ts";

/** What the main thread sends; one at a time. */
export type EngineCall<Op> =
  | { readonly run: readonly Op[] }
  | { readonly sync: true }
  | { readonly salvage: string }
  | { readonly close: true };

/** What it gets back for each call but `close`. */
export type EngineReply<Answer> =
  | { readonly outcome: EngineOutcome<Answer> }
  | { readonly salvaged: SalvageReport }
  | { readonly failure: { readonly fault: EngineFault; readonly message: string } };

/** How long no call must come before the log is tidied. */
const idleMs = 5;

/** Serves a database in this worker thread; `workerData.path` names the file. */
export function serveEngine<Op, Answer>(kind: EngineKind<Op, Answer>): void {
  const port = parentPort;
  if (port === null) throw new Error("not in a worker thread");
  const { path } = workerData as { path: string };
  const runner = makeEngineRunner(path, kind);
  let idle: NodeJS.Timeout | undefined;

  const fail = (error: unknown): EngineReply<Answer> => {
    const { fault, message } = toEngineError(path, error);
    return { failure: { fault, message } };
  };
  const salvage = async (reason: string): Promise<void> => {
    const reply = await runner.salvage(reason).then((salvaged): EngineReply<Answer> => ({ salvaged }), fail);
    port.postMessage(reply);
  };
  const answer = (call: Exclude<EngineCall<Op>, { close: true } | { salvage: string }>): EngineReply<Answer> => {
    try {
      if ("run" in call) return { outcome: runner.run(call.run) };
      runner.sync();
      return { outcome: { answers: [], seconds: 0 } };
    } catch (error) {
      return fail(error);
    }
  };
  const tidy = (when: "idle" | "busy"): void => {
    try {
      runner.tidy(when);
    } catch {
      // The log stays as it is; the commit that finds no room says so to its callers.
    }
  };

  port.on("message", (call: EngineCall<Op>) => {
    clearTimeout(idle);
    if ("close" in call) {
      runner[Symbol.dispose]();
      port.close();
      return;
    }
    if ("salvage" in call) {
      void salvage(call.salvage);
      return;
    }
    port.postMessage(answer(call));
    tidy("busy");
    idle = setTimeout(tidy, idleMs, "idle");
  });
}
