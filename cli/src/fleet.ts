import { readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { GuildhallError } from "@guildhall/errors";

/** One of the demo's people. */
export interface DemoPerson {
  readonly id: string;
  readonly token: string;
  readonly login: string;
  readonly password: string;
}

/** What a running fleet writes into its state folder. */
export interface Endpoints {
  /** Ends in /api/v10. */
  readonly api: string;
  readonly gateway: string;
  readonly cdn: string;
  readonly processes: readonly FleetProcess[];
  readonly demo: {
    readonly guildId: string;
    readonly channelId: string;
    readonly owner: DemoPerson;
    readonly member: DemoPerson;
    readonly bot: { readonly applicationId: string; readonly id: string; readonly token: string };
  };
}

/** One process of a fleet; `metrics` is the URL of its metrics page. */
export interface FleetProcess {
  readonly name: string;
  readonly service: string;
  readonly pid: number;
  readonly metrics: string;
}

/** A running fleet, found by its state folder. */
export interface FleetHandle {
  readonly state: string;
  readonly endpoints: Endpoints;
  /** gRPC address of a process. */
  socketOf(name: string): string;
}

/** Finds the fleet that runs on a state folder. Throws UNAVAILABLE, with what to do, when there is none. */
export function openFleet(stateDir: string): FleetHandle {
  const state = resolve(stateDir);
  let text: string;
  try {
    text = readFileSync(join(state, "endpoints.json"), "utf8");
  } catch (error) {
    const hint = "start one with `npm start`, or name its folder with --state DIR";
    throw new GuildhallError("UNAVAILABLE", `no fleet runs on ${state}: ${hint}`, { cause: error });
  }
  const endpoints = JSON.parse(text) as Endpoints;
  return {
    state,
    endpoints,
    socketOf: (name) => `unix:${join(realpathSync(join(state, "run")), `${name}.sock`)}`,
  };
}
