import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDataClient, type DataClient } from "@guildhall/rpc";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A data process of its own, on a folder. */
export interface DataProcess {
  readonly child: ChildProcess;
  readonly client: DataClient;
  /** Resolves with what it wrote to stderr when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  /** Resolves when it serves, or has ended. */
  readonly ready: Promise<unknown>;
}

/** Starts a data process on `folder/state`. */
export function startDataProcess(folder: string): DataProcess {
  const address = `unix:${join(folder, "data.sock")}`;
  const child = fork(main, {
    env: {
      GUILDHALL_LISTEN: address,
      GUILDHALL_STATE_DIR: join(folder, "state"),
      GUILDHALL_LOG_LEVEL: "silent",
    },
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stderr }));
  const ready = Promise.race([once(child, "message"), ended]);
  return { child, client: createDataClient(address), ended, ready };
}
