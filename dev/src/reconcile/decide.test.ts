import { expect, test } from "@jest/globals";
import { type Action, decide, type FleetSeen, type ProcessSeen } from "./decide.ts";

function processOf(name: string, seen: Partial<ProcessSeen> = {}): ProcessSeen {
  const part = name.slice(0, name.lastIndexOf("-")) as ProcessSeen["part"];
  return { name, part, state: "ready", isStale: false, isHeld: false, isBusy: false, ...seen };
}

const all = ["data-0", "router-0", "guild-0", "guild-1", "gateway-0", "gateway-1"];

interface Case {
  readonly title: string;
  readonly planned?: readonly string[];
  /** Of the processes that differ from a ready one. */
  readonly seen?: Readonly<Record<string, Partial<ProcessSeen>>>;
  readonly also?: readonly ProcessSeen[];
  readonly fleet?: Partial<FleetSeen>;
  readonly actions: readonly string[];
}

test.each<Case>([
  { title: "does nothing when all is as planned", actions: [] },
  {
    title: "starts what is new",
    also: [processOf("guild-2", { state: "stopped" }), processOf("gateway-2", { state: "stopped" })],
    planned: [...all, "guild-2", "gateway-2"],
    actions: ["start guild-2", "start gateway-2"],
  },
  {
    title: "leaves a process alone that somebody has stopped",
    seen: { "router-0": { state: "stopped", isHeld: true } },
    actions: [],
  },
  {
    title: "leaves a process alone that is started again after a crash",
    seen: { "router-0": { state: "waiting" }, "guild-1": { isStale: true } },
    actions: [],
  },
  {
    title: "retires gateways at once, a host only when it owns nothing",
    planned: ["data-0", "router-0", "guild-0", "gateway-0"],
    actions: ["retire gateway-1"],
  },
  {
    title: "retires a host that owns nothing",
    planned: ["data-0", "router-0", "guild-0", "gateway-0", "gateway-1"],
    fleet: { removableHosts: ["guild-1"] },
    actions: ["retire guild-1"],
  },
  {
    title: "never stops a host that is planned, whatever the coordinator said before",
    fleet: { removableHosts: ["guild-1"] },
    actions: [],
  },
  {
    title: "does nothing twice",
    planned: ["data-0", "router-0", "guild-0", "guild-1"],
    seen: { "gateway-0": { state: "stopping", isBusy: true }, "gateway-1": { state: "stopping" } },
    actions: [],
  },
  {
    title: "renews one process at a time, in the order of start",
    seen: { "gateway-0": { isStale: true }, "guild-1": { isStale: true }, "guild-0": { isStale: true } },
    actions: ["renew guild-0"],
  },
  {
    title: "renews nothing while another is renewed",
    seen: { "guild-0": { state: "starting", isBusy: true }, "guild-1": { isStale: true } },
    actions: [],
  },
  {
    title: "renews nothing while something new starts",
    also: [processOf("guild-2", { state: "stopped" })],
    planned: [...all, "guild-2"],
    seen: { "guild-1": { isStale: true } },
    actions: ["start guild-2"],
  },
  {
    title: "renews others while a retired gateway drains",
    planned: all.slice(0, -1),
    seen: { "gateway-1": { state: "stopping", isBusy: true }, "data-0": { isStale: true } },
    actions: ["renew data-0"],
  },
  {
    title: "does nothing while it is paused",
    planned: [...all.slice(0, -1), "guild-2"],
    also: [processOf("guild-2", { state: "stopped" })],
    seen: { "guild-0": { isStale: true } },
    fleet: { isPaused: true },
    actions: [],
  },
])("$title", ({ planned = all, seen = {}, also = [], fleet, actions }) => {
  const processes = [...all.map((name) => processOf(name, seen[name])), ...also];
  const decided = decide({ planned, processes, removableHosts: [], isPaused: false, ...fleet });
  expect(decided.map(({ kind, name }: Action) => `${kind} ${name}`)).toEqual(actions);
});
