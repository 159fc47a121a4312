import { waitFor } from "@guildhall/testing";
import type { Random } from "../random.ts";
import type { Arena, Done } from "./arena.ts";

const pollMs = 100;
const operateMs = 60_000;
const maxTries = 20;
const pauseMs = 1_000;

/** What an SRE would do when a fleet that mends refuses a verb: try again a little later. */
async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === maxTries) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Moves a shard to another host. */
export async function moveShard({ control }: Arena, random: Random): Promise<Done> {
  const {
    shard,
    from,
    to,
    state,
    pauseMs: pause,
  } = await persistently(async () => {
    const { shards } = await control.call("shards", {});
    const { hosts } = await control.call("hosts", {});
    const { shard, host } = random.pick(shards.filter((each) => each.state === "Serving"));
    const others = hosts.filter((each) => each.name !== host && each.state === "Ready");
    return await control.call("move", { shard, host: random.pick(others).name });
  });
  return { what: `${shard} from ${from} to ${to}: ${state} (${pause.toFixed(1)} ms)`, over: Promise.resolve() };
}

/** Doubles the number of shards. */
export async function doubleShards({ control }: Arena): Promise<Done> {
  const { serving } = await control.call("reshard-status", {});
  const to = serving * 2;
  await persistently(() => control.call("reshard-apply", { to }));
  await persistently(async () => {
    const { phase, planHash: hash } = await control.call("reshard-status", {});
    if (phase === "Planned") await control.call("reshard-approve", { hash });
  });
  const isDone = async (): Promise<boolean> => {
    const { phase, serving: now } = await control.call("reshard-status", {});
    return phase === "Completed" && now === to;
  };
  const over = waitFor(isDone, { timeoutMs: operateMs, pollMs }).then(() => {});
  return { what: `${serving} to ${to} shards`, over };
}

/** Empties a process and has a fresh one in its place. */
export async function drainProcess({ control }: Arena, name: string): Promise<Done> {
  return { what: name, over: persistently(() => control.call("drain", { name })).then(() => {}) };
}
