import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { GuildhallError } from "@guildhall/errors";
import { childEnvironment } from "../config.ts";
import type { ErrandAnswer } from "./answer-errand.ts";

/** Far more than the longest one takes: a demo is made in seconds, and a step of it that hangs gives up after 30 s. */
const usualLimitMs = 120_000;

/**
 * Has a program of this package do something once, in a process of its own: what it loads (schemas, gRPC) would cost
 * the supervisor tens of MB for as long as it runs. Rejects with the GuildhallError that the program threw, UNAVAILABLE
 * when it has not answered within `limitMs` (left out: 2 minutes).
 */
export async function runErrand<Result>(
  program: URL,
  input: unknown,
  signal?: AbortSignal,
  limitMs = usualLimitMs,
): Promise<Result> {
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(program), {
    env: childEnvironment(),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    stop();
  }, limitMs);
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
    if (isLate) {
      throw new GuildhallError("UNAVAILABLE", `${fileURLToPath(program)} gave no answer within ${limitMs / 1_000} s`);
    }
    throw new GuildhallError("INTERNAL", `${fileURLToPath(program)} ended without an answer (${how ?? code})`);
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", stop);
  }
}
