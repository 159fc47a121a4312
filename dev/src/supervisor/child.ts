import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import type { ReadyMessage } from "@guildhall/lifecycle";
import { readLines } from "../output/lines.ts";
import { makeBackoff } from "./backoff.ts";

/*
 * States of a supervised process:
 *
 *   stopped ──start()──▶ starting ──{ready}──▶ ready
 *      ▲                    ▲ │ exit              │ exit
 *      │                 timer│ ▼                 ▼
 *      └──exit── stopping ◀── waiting ◀───────────┘        stop() leads from each of them to stopping, then stopped
 */
type State = "stopped" | "starting" | "ready" | "waiting" | "stopping";

/** How one process is run. */
export interface Launch {
  /** Path of its main file. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
  /** Text of all that a process is started for anew when it changes. */
  readonly revision: string;
}

/** A process, and who hears of it. */
export interface ChildOptions {
  readonly name: string;
  /** Asked at each start. */
  readonly launch: () => Launch;
  onLine(line: string): void;
  onSpawn(pid: number): void;
  onReady(): void;
  /** It is ready no more: asked to stop, or ended. */
  onGone?(): void;
  /** It has ended, and nothing that it said is still to come. */
  onClosed?(): void;
  /** What it says over IPC besides that it is ready. */
  onMessage?(message: unknown): void;
  /** It ended without being asked to; started again after `waitMs`. */
  onLost(how: string, waitMs: number): void;
}

/** A process that is started again whenever it ends. */
export interface Child {
  readonly name: string;
  readonly state: State;
  /** The running process; undefined when there is none. */
  readonly pid: number | undefined;
  /** What the process said when it was last ready. */
  readonly ready: ReadyMessage | undefined;
  /** Of the launch that the running process, or the last one, began with. */
  readonly revision: string | undefined;
  start(): void;
  /** Resolves when the process is ready, at once when it is now. */
  whenReady(): Promise<void>;
  /** Sends a message over IPC, if it runs; a socket that goes along stays open in this process, too. */
  send(message: object, socket?: Socket): void;
  /** Asks it to stop and resolves when it has ended; it is not started again. */
  stop(): Promise<void>;
  /** Sends a signal to the process, if there is one; resolves when it has ended, at once for signals that only pause. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const pausing = new Set<NodeJS.Signals>(["SIGSTOP", "SIGCONT", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGHUP"]);

/** Makes a supervised process; `start()` starts it. */
export function makeChild(options: ChildOptions): Child {
  return new SupervisedChild(options);
}

class SupervisedChild implements Child {
  readonly name: string;
  readonly #options: ChildOptions;
  readonly #backoff = makeBackoff();
  #state: State = "stopped";
  #running: ChildProcess | undefined;
  #startedMs = 0;
  #ready: ReadyMessage | undefined;
  #revision: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readiness = Promise.withResolvers<void>();
  #exit = Promise.withResolvers<void>();

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get state(): State {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get ready(): ReadyMessage | undefined {
    return this.#ready;
  }

  get revision(): string | undefined {
    return this.#revision;
  }

  start(): void {
    if (this.#state === "stopped") this.#spawn();
  }

  whenReady(): Promise<void> {
    return this.#readiness.promise;
  }

  readonly send: Child["send"] = (message, socket) => {
    // What cannot be sent was meant for a process that has just ended: that is told otherwise.
    this.#running?.send(message, socket, { keepOpen: true }, () => {});
  };

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#running === undefined) {
      this.#state = "stopped";
      return;
    }
    if (this.#state !== "stopping") {
      if (this.#state === "ready") this.#unready();
      this.#state = "stopping";
      askToEnd(this.#running);
    }
    await this.#exit.promise;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#running?.kill(signal) && !pausing.has(signal)) await this.#exit.promise;
  }

  #spawn(): void {
    this.#startedMs = performance.now();
    this.#state = "starting";
    this.#exit = Promise.withResolvers();
    const launch = this.#options.launch();
    this.#revision = launch.revision;
    this.#running = forkChild(launch, this.#options, {
      onReady: (said) => this.#onReady(said),
      onEnded: (how) => this.#onEnded(how),
      onClosed: () => {
        // Whoever is ready by then is its successor.
        if (this.#state !== "ready") this.#options.onClosed?.();
      },
    });
    if (this.#running.pid !== undefined) this.#options.onSpawn(this.#running.pid);
  }

  #onReady(said: ReadyMessage): void {
    if (this.#state !== "starting") return;
    this.#state = "ready";
    this.#ready = said;
    this.#readiness.resolve();
    this.#options.onReady();
  }

  #unready(): void {
    this.#readiness = Promise.withResolvers();
    this.#options.onGone?.();
  }

  #onEnded(how: string): void {
    this.#running = undefined;
    if (this.#state === "ready") this.#unready();
    this.#exit.resolve();
    if (this.#state === "stopping") {
      this.#state = "stopped";
      return;
    }
    const waitMs = this.#backoff.next(performance.now() - this.#startedMs);
    this.#state = "waiting";
    this.#timer = setTimeout(() => this.#spawn(), waitMs);
    this.#options.onLost(how, waitMs);
  }
}

function askToEnd(child: ChildProcess): void {
  child.kill("SIGTERM");
  // A paused process could not obey.
  child.kill("SIGCONT");
}

/** Starts the process once. `onEnded` is called once, also when it could not be started. */
function forkChild(
  { program, environment, nodeFlags }: Launch,
  { onLine, onMessage }: ChildOptions,
  heard: { onReady(said: ReadyMessage): void; onEnded(how: string): void; onClosed(): void },
): ChildProcess {
  const child = fork(program, {
    env: { ...environment },
    execArgv: [...nodeFlags],
    // A group of its own: Ctrl-C reaches the supervisor only; losing that is seen as a disconnect.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  if (child.stdout !== null) readLines(child.stdout, onLine);
  if (child.stderr !== null) readLines(child.stderr, onLine);
  child.on("message", (message) => {
    const { ready } = message as { readonly ready?: ReadyMessage };
    if (ready === undefined) onMessage?.(message);
    else heard.onReady(ready);
  });
  child.once("exit", (code, signal) =>
    heard.onEnded(signal === null ? `exited with ${code}` : `was ended by ${signal}`),
  );
  child.once("close", () => heard.onClosed());
  // Also raised when a signal or a message could not be sent; the process's exit follows then.
  child.on("error", (error) => {
    if (child.pid === undefined) heard.onEnded(error.message);
  });
  return child;
}
