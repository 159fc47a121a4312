import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A baseline server in a process of its own. */
export interface Bare extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly port: number;
  /** Sends a message and waits for the next one back. */
  ask<T>(message: object): Promise<T>;
}

/** Starts `ws-loop` or `http-echo` (a file beside this one). */
export async function startBare(name: "ws-loop" | "http-echo"): Promise<Bare> {
  const main = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const child = fork(main, { execArgv: ["--disable-warning=ExperimentalWarning"], stdio: ["ignore", 2, 2, "ipc"] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    child,
    port,
    async ask<T>(message: object): Promise<T> {
      const answer = once(child, "message");
      child.send(message);
      return (await answer)[0] as T;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}
