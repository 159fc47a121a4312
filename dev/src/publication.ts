import { rmSync } from "node:fs";
import { toGuildhallError } from "@guildhall/errors";
import type { Demo } from "./demo/demo.ts";
import { describeEndpoints, type Endpoints, type ProcessEndpoint } from "./endpoints.ts";
import type { Output } from "./output/output.ts";
import type { LocalPlaces } from "./places.ts";
import type { StateFolder } from "./state/folder.ts";
import { writeJsonFile } from "./state/json-file.ts";

/** endpoints.json: there from the first readiness of all to the stop, and current. */
export interface Publication {
  readonly endpoints: Endpoints;
  update(endpoint: ProcessEndpoint | undefined): void;
  /** Takes a process out. */
  remove(name: string): void;
  /** In which order processes are named; those that are not among these come last. */
  order(names: readonly string[]): void;
  open(demo: Demo | undefined): void;
  withdraw(): void;
}

/** Makes the publication of a fleet of these processes, not open yet. */
export function makePublication(
  folder: StateFolder,
  places: LocalPlaces,
  names: readonly string[],
  output: Output,
): Publication {
  const file = folder.file("endpoints.json");
  const processes = new Map<string, ProcessEndpoint>();
  let planned = names;
  // As planned, whichever was ready first.
  const inOrder = () => [
    ...planned.flatMap((name) => processes.get(name) ?? []),
    ...[...processes.values()].filter(({ name }) => !planned.includes(name)),
  ];
  let demo: Demo | undefined;
  let isOpen = false;
  const describe = () => describeEndpoints(places, inOrder(), demo);
  const write = (): void => {
    if (!isOpen) return;
    try {
      writeJsonFile(file, describe());
    } catch (error) {
      output.say(`cannot write ${file}: ${toGuildhallError(error).message}`, "warn");
    }
  };
  return {
    get endpoints() {
      return describe();
    },
    update(endpoint) {
      if (endpoint !== undefined) processes.set(endpoint.name, endpoint);
      write();
    },
    remove(name) {
      if (processes.delete(name)) write();
    },
    order(next) {
      planned = next;
      write();
    },
    open(made) {
      demo = made;
      isOpen = true;
      write();
    },
    withdraw() {
      isOpen = false;
      rmSync(file, { force: true });
    },
  };
}
