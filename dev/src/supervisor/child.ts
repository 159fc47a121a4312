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

/** How a process is run, and who hears of it. */
export interface ChildOptions {
  readonly name: string;
  /** Path of its main file. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
  onLine(line: string): void;
  onSpawn(pid: number): void;
  onReady(): void;
  /** It is ready no more: asked to stop, or ended. */
  onGone?(): void;
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
  start(): void;
  /** Resolves when the process is ready, at once when it is now. */
  whenReady(): Promise<void>;
  /** Sends a message over IPC. `failed` is told when it did not go out, and whether the socket is still whole. */
  send(message: object, socket?: Socket, failed?: (isSocketWhole: boolean) => void): void;
  /** Asks it to stop and resolves when it has ended; it is not started again. */
  stop(): Promise<void>;
  /** Sends a signal to the process, if there is one; resolves when it has ended, at once for signals that only pause. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const pausing = new Set<NodeJS.Signals>(["SIGSTOP", "SIGCONT", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGHUP"]);

/** Makes a supervised process; `start()` starts it. */
export function makeChild(options: ChildOptions): Child {
  const backoff = makeBackoff();
  let state: State = "stopped";
  let running: ChildProcess | undefined;
  let startedMs = 0;
  let ready: ReadyMessage | undefined;
  let timer: NodeJS.Timeout | undefined;
  let readiness = Promise.withResolvers<void>();
  let exit = Promise.withResolvers<void>();

  const spawn = (): void => {
    startedMs = performance.now();
    state = "starting";
    exit = Promise.withResolvers();
    running = launch(options, { onReady, onEnded });
    if (running.pid !== undefined) options.onSpawn(running.pid);
  };
  const onReady = (said: ReadyMessage): void => {
    if (state !== "starting") return;
    state = "ready";
    ready = said;
    readiness.resolve();
    options.onReady();
  };
  const unready = (): void => {
    readiness = Promise.withResolvers();
    options.onGone?.();
  };
  const onEnded = (how: string): void => {
    running = undefined;
    if (state === "ready") unready();
    exit.resolve();
    if (state === "stopping") {
      state = "stopped";
      return;
    }
    const waitMs = backoff.next(performance.now() - startedMs);
    state = "waiting";
    timer = setTimeout(spawn, waitMs);
    options.onLost(how, waitMs);
  };
  const stop = async (): Promise<void> => {
    clearTimeout(timer);
    if (running === undefined) state = "stopped";
    else if (state !== "stopping") {
      if (state === "ready") unready();
      state = "stopping";
      askToEnd(running);
    }
    if (running !== undefined) await exit.promise;
  };

  return {
    name: options.name,
    get state() {
      return state;
    },
    get pid() {
      return running?.pid;
    },
    get ready() {
      return ready;
    },
    start() {
      if (state === "stopped") spawn();
    },
    whenReady: () => readiness.promise,
    send: (message, socket, failed) => send(running, message, socket, failed),
    stop,
    async kill(signal) {
      if (running?.kill(signal) && !pausing.has(signal)) await exit.promise;
    },
  };
}

function askToEnd(child: ChildProcess): void {
  child.kill("SIGTERM");
  // A paused process could not obey.
  child.kill("SIGCONT");
}

function send(
  child: ChildProcess | undefined,
  message: object,
  socket?: Socket,
  failed?: (isSocketWhole: boolean) => void,
): void {
  if (child === undefined) {
    failed?.(true);
    return;
  }
  child.send(message, socket, {}, (error) => {
    // In a closed channel nothing is begun; with any other error the socket may have gone along.
    if (error !== null) failed?.((error as NodeJS.ErrnoException).code === "ERR_IPC_CHANNEL_CLOSED");
  });
}

/** Starts the process once. `onEnded` is called once, also when it could not be started. */
function launch(
  { program, environment, nodeFlags, onLine, onMessage }: ChildOptions,
  heard: { onReady(said: ReadyMessage): void; onEnded(how: string): void },
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
  // Also raised when a signal or a message could not be sent; the process's exit follows then.
  child.on("error", (error) => {
    if (child.pid === undefined) heard.onEnded(error.message);
  });
  return child;
}
