import { setTimeout as delay } from "node:timers/promises";
import { GuildhallError } from "@guildhall/errors";
import type { CoordinatorClient } from "@guildhall/rpc";
import type { Crew } from "../crew.ts";
import type { Output } from "../output/output.ts";
import type { Child } from "../supervisor/child.ts";
import type { Operations } from "./operations.ts";

/** How a process was, or would be, started anew. */
export interface Renewal {
  /** What becomes of its work meanwhile, in words that follow its name. */
  readonly how: string;
  readonly tookMs: number;
}

/** Does with single processes what was decided. */
export interface Steward {
  start(name: string): void;
  /** Stops a process that is planned no more, and forgets it. Gateways send their sessions away first. */
  retire(name: string): Promise<void>;
  /** Stops a process, after its work went elsewhere where it can, and starts a fresh one; resolves when that is ready. */
  renew(name: string): Promise<Renewal>;
  /** What `renew` would do; changes nothing. */
  foreseeRenewal(name: string): Promise<string>;
}

/** What a steward needs. */
export interface StewardOptions {
  readonly crew: Crew;
  readonly operations: Operations;
  readonly output: Output;
  readonly coordinator: () => Promise<CoordinatorClient>;
  /** The fleet stops: nothing more is started. */
  readonly stopping: AbortSignal;
  /** While it is, no shard goes anywhere. */
  readonly isPaused: () => boolean;
}

const drainPollMs = 250;
/** A host whose shards have not become fewer for so long is not drained: something is in the way. */
const drainStuckMs = 120_000;

/** The steward of a crew. */
export function makeSteward({ crew, operations, output, coordinator, stopping, isPaused }: StewardOptions): Steward {
  const childOf = (name: string): Child => {
    const child = crew.children.get(name);
    if (child !== undefined) return child;
    throw new GuildhallError("INVALID_FORM", `no process ${name}: there are ${[...crew.children.keys()].join(", ")}`);
  };
  const others = (name: string) => othersOf(crew, name);
  const refuseIfPaused = (name: string): void => {
    if (partOf(name) !== "guild" || others(name) === 0 || !isPaused()) return;
    throw new GuildhallError("REFUSED", "the fleet is paused, so no shard moves: `guildhall resume`, then drain");
  };

  return {
    start(name) {
      output.say(`starts ${name}`);
      childOf(name).start();
    },
    async retire(name) {
      using _turn = operations.begin(name, `the stop of ${name}`);
      const child = childOf(name);
      if (child.state === "ready") output.say(`${partOf(name) === "gateway" ? "drains" : "stops"} ${name}`);
      await child.stop();
      crew.remove(name);
      output.say(`${name} has stopped`);
    },
    async renew(name) {
      const child = childOf(name);
      refuseIfPaused(name);
      using _turn = operations.begin(name, `the restart of ${name}`);
      const startedMs = performance.now();
      const how = howRenewed(name, others(name));
      output.say(`restarts ${name}: ${how}`);
      if (partOf(name) === "guild" && others(name) > 0) await drainHost(await coordinator(), name, stopping);
      await child.stop();
      stopping.throwIfAborted();
      child.start();
      await child.whenReady();
      const tookMs = performance.now() - startedMs;
      output.say(`${name} is ready again after ${(tookMs / 1_000).toFixed(1)} s`);
      return { how, tookMs };
    },
    async foreseeRenewal(name) {
      childOf(name);
      refuseIfPaused(name);
      const how = howRenewed(name, others(name));
      if (partOf(name) !== "guild" || others(name) === 0) return how;
      const { shardsLeft } = await (await coordinator()).call("drainHost", { host: name, dryRun: true, cancel: false });
      return `${how}; it has ${shardsLeft} now`;
    },
  };
}

/** How many other processes of the same part could take a process's work over now. */
function othersOf(crew: Crew, name: string): number {
  const planned = new Set(crew.planned);
  const ready = [...crew.children.values()].filter(({ state }) => state === "ready");
  return ready.filter((other) => other.name !== name && planned.has(other.name) && partOf(other.name) === partOf(name))
    .length;
}

function howRenewed(name: string, others: number): string {
  switch (partOf(name)) {
    case "guild":
      return others > 0
        ? "its shards go to other hosts first; balancing brings some back, at once with `guildhall rebalance`"
        : "there is no other host, so its guilds wait until it is back";
    case "gateway":
      return others > 0
        ? "its sessions resume at other gateways first"
        : "there is no other gateway, so its sessions resume when it is back";
    default:
      return "nothing can take its work over: it is stopped in order and started again";
  }
}

/** Has all shards of a host handed over. Takes it back and throws when that does not get on. */
async function drainHost(coordinator: CoordinatorClient, host: string, signal: AbortSignal): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let progressMs = performance.now();
  try {
    for (;;) {
      const { shardsLeft } = await coordinator.call("drainHost", { host, dryRun: false, cancel: false });
      if (shardsLeft === 0) return;
      if (shardsLeft < least) progressMs = performance.now();
      least = Math.min(least, shardsLeft);
      if (performance.now() - progressMs > drainStuckMs) {
        const text = `${host} still has ${shardsLeft} shards, as before ${drainStuckMs / 1_000} s: see \`guildhall hosts\``;
        throw new GuildhallError("UNAVAILABLE", text);
      }
      await delay(drainPollMs, undefined, { signal });
    }
  } catch (error) {
    await coordinator.call("drainHost", { host, dryRun: false, cancel: true }).catch(() => {});
    throw error;
  }
}

function partOf(name: string): string {
  return name.slice(0, name.lastIndexOf("-"));
}
