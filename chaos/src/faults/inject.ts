import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { everybody } from "@guildhall/dev";
import { type Arena, type Done, pass } from "./arena.ts";
import type { PlannedFault } from "./fault-plan.ts";
import { doubleShards, drainProcess, moveShard } from "./operate.ts";

/** Does a fault; resolves when it has begun. */
export async function inject(arena: Arena, fault: PlannedFault): Promise<Done> {
  const random = arena.random(fault.seed);
  switch (fault.kind) {
    case "kill": {
      const name = random.pick(arena.namesOf(fault.target));
      await arena.fleet.kill(name);
      return { what: name, over: Promise.resolve() };
    }
    case "stall":
      return stallStore(arena, fault.forMs);
    case "pause": {
      const name = random.pick(arena.namesOf(fault.target));
      await arena.fleet.kill(name, "SIGSTOP");
      const over = pass(fault.forMs).then(() => arena.fleet.kill(name, "SIGCONT"));
      return { what: `${name} for ${fault.forMs} ms`, over };
    }
    case "partition":
      return partition(arena, fault);
    case "move":
      return moveShard(arena, random);
    case "doubling":
      return doubleShards(arena);
    case "drain":
      return drainProcess(arena, random.pick(arena.namesOf(fault.target)));
    default:
      return fault.kind satisfies never;
  }
}

/** Takes the store's write lock: what is journaled waits to be stored. */
function stallStore({ fleet }: Arena, forMs: number): Done {
  const store = new DatabaseSync(join(fleet.state, "data", "store.db"));
  store.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  const over = pass(forMs).then(() => {
    store.exec("ROLLBACK");
    store.close();
  });
  return { what: `store.db for ${forMs} ms`, over };
}

async function partition({ relays, namesOf, random }: Arena, { target, forMs, seed }: PlannedFault): Promise<Done> {
  const [asking = "", answering = ""] = target.split(">");
  const numbers = random(seed);
  // Whoever asks goes by the address that the process tells of itself.
  const from = asking === everybody ? everybody : numbers.pick(namesOf(asking));
  const to = numbers.pick(namesOf(answering).filter((name) => name !== from));
  const how = numbers.pick(["held", "cut"] as const);
  relays.part(from, to, how);
  const over = pass(forMs).then(() => relays.join(from, to));
  return { what: `${from} from ${to}, ${how} for ${forMs} ms`, over };
}
