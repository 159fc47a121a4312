import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadReply, LoadRequest } from "./protocol.ts";

type Did<K extends LoadReply["did"]> = Extract<LoadReply, { did: K }>;

/** A load generator in a process of its own. */
export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    const main = fileURLToPath(new URL("./main.ts", import.meta.url));
    this.#child = fork(main, { execArgv: ["--disable-warning=ExperimentalWarning"], stdio: ["ignore", 2, 2, "ipc"] });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  open(options: Omit<LoadRequest & { do: "open" }, "do">): Promise<Did<"open">> {
    return this.#ask({ do: "open", ...options }, "open");
  }

  /** Resolves once counting has begun; its `done` when all frames have come or the time is over. */
  async count(frames: number, timeoutMs: number): Promise<{ readonly done: Promise<Did<"count">> }> {
    const done = this.#reply("count");
    await this.#ask({ do: "count", frames, timeoutMs }, "counting");
    return { done };
  }

  async watchLatency(): Promise<void> {
    await this.#ask({ do: "watch-latency" }, "watch-latency");
  }

  async latencies(): Promise<readonly number[]> {
    return (await this.#ask({ do: "latencies" }, "latencies")).ms;
  }

  /** How many of all listeners are still connected. */
  countOpen(): Promise<Did<"count-open">> {
    return this.#ask({ do: "count-open" }, "count-open");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  #ask<K extends LoadReply["did"]>(request: LoadRequest, did: K): Promise<Did<K>> {
    const answer = this.#reply(did);
    this.#child.send(request);
    return answer;
  }

  #reply<K extends LoadReply["did"]>(did: K): Promise<Did<K>> {
    const { promise, resolve, reject } = Promise.withResolvers<Did<K>>();
    const onMessage = (message: LoadReply) => {
      if (message.did !== did) return;
      done();
      resolve(message as Did<K>);
    };
    const onExit = () => {
      done();
      reject(new Error("the load generator ended"));
    };
    const done = () => {
      this.#child.off("message", onMessage).off("exit", onExit);
    };
    this.#child.on("message", onMessage).on("exit", onExit);
    return promise;
  }
}
