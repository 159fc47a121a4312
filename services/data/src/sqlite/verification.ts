import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { markDamaged } from "./damage-mark.ts";
import { isSmall } from "./file-check.ts";

/** What the worker is to look through. */
export interface VerifyAsk {
  readonly path: string;
  readonly kind: "journal" | "store" | "directory";
}

/** What it found; undefined = nothing is wrong, or it could not be read now. */
export interface VerifyReply {
  readonly damage: string | undefined;
}

/** Larger files take too long: some seconds a gigabyte, and a core. */
const mostBytes = 4 * 1024 * 1024 * 1024;

/** A look through databases that goes on until it is done, or disposed of. */
export interface Verification extends AsyncDisposable {
  /** When it is done. */
  readonly done: Promise<void>;
}

/**
 * Looks through databases that were too large to be looked through before they were used, one after the other, in a thread
 * of their own that reads only. What is damaged is noted, so that the next start salvages it, and told.
 */
export function verifyDatabases(asks: readonly VerifyAsk[], onDamage: (damage: string) => void): Verification {
  let disposed = false;
  let worker: Worker | undefined;

  const verify = (ask: VerifyAsk): Promise<VerifyReply> =>
    new Promise((resolve) => {
      worker = new Worker(new URL("./verify-worker.ts", import.meta.url), { workerData: ask });
      worker.on("message", resolve);
      worker.on("error", () => resolve({ damage: undefined }));
      worker.on("exit", () => resolve({ damage: undefined }));
    });
  const run = async (): Promise<void> => {
    for (const ask of asks) {
      const size = statSync(ask.path, { throwIfNoEntry: false })?.size ?? 0;
      if (disposed || isSmall(ask.path) || size > mostBytes) continue;
      const { damage } = await verify(ask);
      if (damage === undefined || disposed) continue;
      markDamaged(ask.path, damage);
      onDamage(damage);
    }
  };
  const done = run();
  return {
    done,
    async [Symbol.asyncDispose]() {
      disposed = true;
      await worker?.terminate();
      await done;
    },
  };
}
