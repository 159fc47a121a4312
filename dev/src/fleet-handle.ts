import { GuildhallError } from "@guildhall/errors";
import type { FleetContext } from "./context.ts";
import type { Edits } from "./edits.ts";
import type { Fleet } from "./fleet.ts";
import type { Child } from "./supervisor/child.ts";

/** What the maker of a fleet gets; disposing it disposes what it owns. */
export function makeFleetHandle(owned: AsyncDisposable, context: FleetContext, edits: Edits): Fleet {
  const { folder, places, supervisor, publication, crew, reconciler } = context;
  const childOf = (name: string): Child => {
    const child = supervisor.children.get(name);
    if (child !== undefined) return child;
    const known = [...supervisor.children.keys()].join(", ");
    throw new GuildhallError("BAD_CONFIG", `no process ${name}: there are ${known}`);
  };
  const start = async (name: string): Promise<void> => {
    childOf(name).start();
    await childOf(name).whenReady();
    crew.held.delete(name);
  };
  const stop = async (name: string): Promise<void> => {
    crew.held.add(childOf(name).name);
    await childOf(name).stop();
  };
  return {
    get spec() {
      return reconciler.document;
    },
    state: folder.path,
    get endpoints() {
      return publication.endpoints;
    },
    addressOf: (name) => places.address(childOf(name).name),
    apply: (document) => edits.take({ document }),
    kill: async (name, signal = "SIGKILL") => childOf(name).kill(signal),
    stop,
    start,
    async restart(name) {
      await stop(name);
      await start(name);
    },
    async whenReady(name) {
      const children = name === undefined ? [...supervisor.children.values()] : [childOf(name)];
      await Promise.all(children.map((child) => child.whenReady()));
    },
    async [Symbol.asyncDispose]() {
      publication.withdraw();
      await owned[Symbol.asyncDispose]();
    },
  };
}
