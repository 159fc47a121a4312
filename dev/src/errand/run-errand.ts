import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { GuildhallError } from "@guildhall/errors";
import { childEnvironment } from "../config.ts";
import type { ErrandAnswer } from "./answer-errand.ts";

/**
 * Has a program of this package do something once, in a process of its own: what it loads (schemas, gRPC) would cost
 * the supervisor tens of MB for as long as it runs. Rejects with the GuildhallError that the program threw.
 */
export async function runErrand<Result>(program: URL, input: unknown, signal?: AbortSignal): Promise<Result> {
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(program), {
    env: childEnvironment(),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  let answer: ErrandAnswer | undefined;
  child.once("message", (message) => {
    answer = message as ErrandAnswer;
  });
  try {
    child.send({ input });
    const [code, how] = (await once(child, "close")) as [number | null, string | null];
    if (answer !== undefined && "result" in answer) return answer.result as Result;
    if (answer !== undefined) {
      throw new GuildhallError(answer.failure.code, answer.failure.message, { fields: answer.failure.fields });
    }
    if (signal?.aborted) throw new GuildhallError("CANCELLED", "stopped while starting");
    throw new GuildhallError("INTERNAL", `${fileURLToPath(program)} ended without an answer (${how ?? code})`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
