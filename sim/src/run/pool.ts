import { type ChildProcess, fork } from "node:child_process";
import type { SeedOptions, SeedReport } from "./run-seed.ts";

/** Runs seeds in processes of their own, `workers` at a time, and hands over each report as it comes. */
export async function runInPool(
  runs: Iterable<SeedOptions>,
  workers: number,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const waiting = runs[Symbol.iterator]();
  await Promise.all(Array.from({ length: workers }, () => drive(waiting, onReport)));
}

/** One worker's turn: a seed after the other. */
async function drive(waiting: Iterator<SeedOptions>, onReport: (report: SeedReport) => void): Promise<void> {
  const worker = fork(new URL("./worker.ts", import.meta.url));
  try {
    for (let next = waiting.next(); !next.done; next = waiting.next()) onReport(await ask(worker, next.value));
  } finally {
    worker.kill();
  }
}

function ask(worker: ChildProcess, options: SeedOptions): Promise<SeedReport> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the worker ended while it ran seed ${options.seed}`));
    worker.once("exit", ended);
    worker.once("message", (report) => {
      worker.off("exit", ended);
      resolve(report as SeedReport);
    });
    worker.send(options);
  });
}
