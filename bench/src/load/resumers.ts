import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What the process of the resuming sessions is told. */
export type ResumersRequest =
  | {
      readonly do: "open";
      readonly url: string;
      readonly token: string;
      readonly intents: number;
      readonly sessions: number;
    }
  /** Answered when so many have been resumed, or the time is over. */
  | { readonly do: "watch"; readonly sessions: number; readonly timeoutMs: number }
  | { readonly do: "check" };

/** What it answers; `resumedMs` counts from the loss of each connection. */
export type ResumersReply =
  | { readonly did: "open" }
  | {
      readonly did: "watch";
      readonly resumedMs: readonly number[];
      readonly identified: number;
      readonly problems: readonly string[];
    }
  | { readonly did: "check"; readonly problems: readonly string[] };

type Did<K extends ResumersReply["did"]> = Extract<ResumersReply, { did: K }>;

/** Sessions that resume by themselves, in a process of their own. */
export class Resumers implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    const main = fileURLToPath(new URL("./resumers-main.ts", import.meta.url));
    this.#child = fork(main, { execArgv: ["--disable-warning=ExperimentalWarning"], stdio: ["ignore", 2, 2, "ipc"] });
  }

  /** Resolves when all sessions have begun. */
  async open(options: Omit<ResumersRequest & { do: "open" }, "do">): Promise<void> {
    await this.#ask({ do: "open", ...options }, "open");
  }

  watch(options: Omit<ResumersRequest & { do: "watch" }, "do">): Promise<Did<"watch">> {
    return this.#ask({ do: "watch", ...options }, "watch");
  }

  /** What went wrong since the last look. */
  check(): Promise<Did<"check">> {
    return this.#ask({ do: "check" }, "check");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async #ask<K extends ResumersReply["did"]>(request: ResumersRequest, did: K): Promise<Did<K>> {
    this.#child.send(request);
    for (;;) {
      const [message] = (await once(this.#child, "message")) as [ResumersReply];
      if (message.did === did) return message as Did<K>;
    }
  }
}
