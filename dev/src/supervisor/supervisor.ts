import { setTimeout as delay } from "node:timers/promises";
import { GuildhallError } from "@guildhall/errors";
import type { Fleet, Instance, Part } from "@guildhall/operator/plan";
import type { Output } from "../output/output.ts";
import { type Child, type ChildOptions, type Launch, makeChild } from "./child.ts";

/** What a supervisor needs. */
export interface SupervisorOptions {
  readonly fleet: Pick<Fleet, "workloads" | "stops">;
  readonly launch: (instance: Instance) => Launch;
  readonly output: Output;
  readonly onSpawn: (name: string, pid: number) => void;
  /** A process is ready, for the first time or again. */
  readonly onReady: (name: string) => void;
  /** A process is ready no more: asked to stop, or ended. */
  readonly onGone?: (name: string) => void;
  /** A process has ended, and nothing that it said is still to come. */
  readonly onClosed?: (name: string) => void;
  /** What a process says over IPC besides that it is ready. */
  readonly onMessage?: (name: string, message: unknown) => void;
  readonly stopLimits?: StopLimits;
}

/** How long a stop may take: a step before the next one begins, and all of it before what is left is killed. */
export interface StopLimits {
  readonly stepMs: number;
  readonly allMs: number;
}

/** How long a start may take, and what ends it sooner. */
export interface StartOptions {
  readonly timeoutMs: number;
  readonly mostEnds?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Keeps the processes of a fleet running. */
export interface Supervisor {
  readonly children: ReadonlyMap<string, Child>;
  /**
   * Starts all processes, each part when those it is after are ready; resolves when all are. Rejects with UNAVAILABLE
   * after `timeoutMs`, or when a process has ended by itself `mostEnds` times (left out: however often).
   */
  start(options: StartOptions): Promise<void>;
  /** Stops all processes in order, within 9 s: those that have not obeyed by then are killed. */
  stop(): Promise<void>;
  /** Kills all processes, without waiting; for when this process itself ends at once. */
  killNow(): void;
  /**
   * Takes another plan over. Processes that are new in it are there, not started; those that are no more in it stay until
   * `remove`; all others get their new settings when they start next.
   */
  adopt(fleet: Pick<Fleet, "workloads" | "stops">): void;
  /** The part of a process; undefined when there is none of that name. */
  partOf(name: string): Part | undefined;
  /** Whether a process runs with other settings than the plan has for it now. */
  isStale(name: string): boolean;
  /** Forgets a stopped process. */
  remove(name: string): void;
}

/** All within the 10 s that whoever stops the supervisor may give it. */
const usualStop: StopLimits = { stepMs: 3_000, allMs: 8_500 };

/** Makes the supervisor of a fleet; `start()` starts its processes. */
export function makeSupervisor(options: SupervisorOptions): Supervisor {
  const { launch, output, stopLimits = usualStop } = options;
  let { fleet } = options;
  const children = new Map<string, Child>();
  const lastLines = new Map<string, string>();
  const planned = new Map<string, Instance>();
  let onEnd = (_name: string): void => {};
  const ofPart = (part: Part): Child[] => [...children.values()].filter(({ name }) => planned.get(name)?.part === part);
  const launchOf = (name: string): Launch => {
    const instance = planned.get(name);
    if (instance === undefined) throw new GuildhallError("INTERNAL", `${name} is planned no more`);
    return launch(instance);
  };
  const noteLine = (name: string, line: string): void => {
    if (tellsFailure(line) || !tellsFailure(lastLines.get(name) ?? "")) lastLines.set(name, line);
    output.line(name, line);
  };
  const adopt = (next: Pick<Fleet, "workloads" | "stops">): void => {
    fleet = next;
    for (const instance of next.workloads.flatMap(({ instances }) => instances)) {
      const { name } = instance;
      planned.set(name, instance);
      const heard = { noteLine, onEnd: (ended: string) => onEnd(ended) };
      if (!children.has(name)) children.set(name, makeChild(childOptions(name, options, launchOf, heard)));
    }
  };
  adopt(fleet);

  return {
    children,
    async start(limits) {
      const startedMs = performance.now();
      await startWithin(limits, {
        work: (isGivenUp) => startInOrder(fleet, ofPart, isGivenUp),
        failure: () => notReady(children, lastLines, performance.now() - startedMs),
        hear(listener) {
          onEnd = listener;
        },
      });
    },
    async stop() {
      const untilMs = performance.now() + stopLimits.allMs;
      const stopped: Promise<unknown>[] = [];
      for (const step of fleet.stops) {
        const ended = Promise.all(step.flatMap(ofPart).map((child) => child.stop()));
        stopped.push(ended);
        await within(ended, Math.min(stopLimits.stepMs, untilMs - performance.now()));
      }
      await within(Promise.all(stopped), untilMs - performance.now());
      await Promise.all(Array.from(children.values(), (child) => child.kill("SIGKILL")));
    },
    killNow() {
      for (const { pid } of children.values()) if (pid !== undefined) killByPid(pid);
    },
    adopt,
    partOf: (name) => planned.get(name)?.part,
    isStale(name) {
      const { pid, revision } = children.get(name) ?? {};
      return pid !== undefined && revision !== launchOf(name).revision;
    },
    remove(name) {
      if (children.get(name)?.state !== "stopped") return;
      children.delete(name);
      planned.delete(name);
      lastLines.delete(name);
    },
  };
}

/** Does the work of a start until it is done, or one of its limits is reached. */
async function startWithin(
  { timeoutMs, mostEnds = Number.POSITIVE_INFINITY, signal }: StartOptions,
  start: {
    work(isGivenUp: () => boolean): Promise<void>;
    failure(): GuildhallError;
    /** `listener` is to hear of each process that ends by itself. */
    hear(listener: (name: string) => void): void;
  },
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(new GuildhallError("CANCELLED", "stopped while starting"));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const giveUp = () => aborted.reject(start.failure());
  const timer = setTimeout(giveUp, timeoutMs);
  const ends = new Map<string, number>();
  start.hear((name) => {
    const count = (ends.get(name) ?? 0) + 1;
    ends.set(name, count);
    if (count >= mostEnds) giveUp();
  });
  let isGivenUp = false;
  try {
    await Promise.race([start.work(() => isGivenUp), aborted.promise]);
  } finally {
    isGivenUp = true;
    start.hear(() => {});
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function childOptions(
  name: string,
  { output, onSpawn, onReady, onGone, onClosed, onMessage }: SupervisorOptions,
  launchOf: (name: string) => Launch,
  heard: { noteLine(name: string, line: string): void; onEnd(name: string): void },
): ChildOptions {
  return {
    name,
    launch: () => launchOf(name),
    onLine: (line) => heard.noteLine(name, line),
    onSpawn: (pid) => onSpawn(name, pid),
    onReady: () => onReady(name),
    onGone: () => onGone?.(name),
    onClosed: () => onClosed?.(name),
    onMessage: (message) => onMessage?.(name, message),
    onLost(how, waitMs) {
      output.say(`${name} ${how}, started again in ${waitMs} ms`, "warn");
      heard.onEnd(name);
    },
  };
}

async function startInOrder(
  fleet: Pick<Fleet, "workloads">,
  ofPart: (part: Part) => readonly Child[],
  isGivenUp: () => boolean,
): Promise<void> {
  const ready = new Map<Part, Promise<unknown>>();
  for (const { part, after } of fleet.workloads) {
    const before = Promise.all(after.map((other) => ready.get(other)));
    const started = before.then(() => {
      if (isGivenUp()) return;
      const own = ofPart(part);
      for (const child of own) child.start();
      return Promise.all(own.map((child) => child.whenReady()));
    });
    ready.set(part, started);
  }
  await Promise.all(ready.values());
}

/** A crash ends with lines that say little: the one that names the error is kept. */
function tellsFailure(line: string): boolean {
  return /Error\b|: [A-Z_]{4,}: /.test(line);
}

function notReady(
  children: ReadonlyMap<string, Child>,
  lastLines: ReadonlyMap<string, string>,
  afterMs: number,
): GuildhallError {
  const missing = Array.from(children.values()).filter(({ state }) => state !== "ready");
  const text = missing.map(({ name, state }) => {
    // Who waits for others has said nothing of this start.
    const said = state === "stopped" ? undefined : lastLines.get(name);
    return `${name} (${state}${said === undefined ? "" : `, said: ${said}`})`;
  });
  return new GuildhallError("UNAVAILABLE", `not ready after ${Math.round(afterMs / 1_000)} s: ${text.join(", ")}`);
}

/** Waits for work, but not longer than this. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, delay(Math.max(0, ms), undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

function killByPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
