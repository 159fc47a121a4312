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
  // As planned, whichever was ready first.
  const inOrder = () => names.flatMap((name) => processes.get(name) ?? []);
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
