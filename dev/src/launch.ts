import { readFileSync } from "node:fs";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { ShardSet } from "@guildhall/operator/api";
import { environmentOf, type Instance, type Part } from "@guildhall/operator/plan";
import { childEnvironment } from "./config.ts";
import type { ProcessEndpoint } from "./endpoints.ts";
import type { Output } from "./output/output.ts";
import type { LocalPlaces } from "./places.ts";
import type { Programs } from "./programs.ts";
import type { StateFolder } from "./state/folder.ts";
import type { Child, Launch } from "./supervisor/child.ts";
import { nodeFlags } from "./supervisor/node-flags.ts";

/** The part whose processes get their connections from the front. */
export const gatewayPart: Part = "gateway";

/** Gives the address that process `from` (or `everybody`) is told for process `to`, which is reached at `address`. */
export type Relay = (from: string, to: string, address: string) => string;

/** Stands in a relay for all who go by what a process tells of its own address. */
export const everybody = "*";

/** How a planned process is run on this machine. */
export function makeLauncher(
  places: LocalPlaces,
  programs: Programs,
  relay: Relay = (_from, _to, address) => address,
): (instance: Instance) => Launch {
  return (instance) => {
    const { name } = instance;
    // What a process tells of itself everybody uses.
    const address = (to: string) => relay(to === name ? everybody : name, to, places.address(to));
    const own = {
      ...environmentOf(instance, { ...places, address }),
      // Made readable here, once for all: a formatter in each process would cost each its memory.
      GUILDHALL_LOG_FORMAT: "json",
      ...(instance.part === gatewayPart ? { GUILDHALL_WS_FROM_PARENT: "true" } : {}),
    };
    const lasting = Object.entries(own).filter(([name]) => !instance.live.includes(name));
    return {
      program: programs[instance.part],
      nodeFlags: nodeFlags(instance.part),
      environment: childEnvironment(own),
      revision: JSON.stringify(lasting),
    };
  };
}

/** Refuses a document of another version than this checkout's. */
export function checkVersion({ spec: { version } }: ShardSet): void {
  if (version === undefined || version === ownVersion()) return;
  throw new GuildhallError("BAD_SPEC", `spec.version: must be ${ownVersion()}, the version of this checkout`);
}

/** The version of this checkout. */
export function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return (manifest as { readonly version: string }).version;
}

/** Notes in the state folder which process runs under a name. */
export function noteSpawn(folder: StateFolder, output: Output) {
  return (name: string, pid: number): void => {
    try {
      folder.record(name, pid);
    } catch (error) {
      output.say(`cannot note process ${pid} of ${name}: ${toGuildhallError(error).message}`, "warn");
    }
  };
}

/** What is published of a process that is ready. */
export function endpointOf(
  places: LocalPlaces,
  child: Child | undefined,
  part: Part | undefined,
): ProcessEndpoint | undefined {
  if (child?.pid === undefined || part === undefined) return undefined;
  const common = { name: child.name, service: part, pid: child.pid, metrics: child.ready?.metrics ?? "" };
  return part === gatewayPart ? { ...common, url: places.url(child.name, "own") } : common;
}
