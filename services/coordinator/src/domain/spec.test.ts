import { expect, test } from "@jest/globals";
import type { FleetSpec, MoveWindow } from "./kept.ts";
import { checkSpec, initialSpec, refuseSpec } from "./spec.ts";

const spec = (change: Partial<FleetSpec> = {}): FleetSpec => ({ ...initialSpec(4, ["guild-0", "guild-1"]), ...change });
const window = (change: Partial<MoveWindow>): MoveWindow[] => [
  { days: [], fromMinute: 0, toMinute: 60, timeZone: "UTC", ...change },
];

test("takes what a fleet begins with", () => {
  expect(() => checkSpec(spec())).not.toThrow();
});

test.each<[Partial<FleetSpec>, string]>([
  [{ shards: 6 }, "spec.shards: must be a power of two from 1 to 65536"],
  [{ hosts: [] }, "spec.guild.hosts: must be from 1 to 4096 names"],
  [{ hosts: ["a", ""] }, "spec.guild.hosts: must be from 1 to 4096 names"],
  [{ hosts: ["a", "a"] }, "spec.guild.hosts: names a host twice"],
  [{ movesPerHost: 0 }, "spec.resharding.movesPerHost: must be from 1 to 64"],
  [{ rebalancingMode: "Sometimes" as never }, "spec.rebalancing.mode: must be Off, DryRun or Auto"],
  [{ trigger: 1.02 }, "spec.rebalancing.trigger: must be from target, which is ≥ 1, to 100"],
  [{ trigger: Number.NaN }, "spec.rebalancing.trigger: must be from target, which is ≥ 1, to 100"],
  [{ reshardingWindows: window({ days: [7] }) }, "spec.resharding.windows.0.days: must be days of the week"],
  [{ rebalancingWindows: window({ toMinute: 1_441 }) }, "spec.rebalancing.windows.0: must be times of the day"],
  [
    { rebalancingWindows: window({ timeZone: "Mars/Olympus" }) },
    "spec.rebalancing.windows.0.timeZone: Mars/Olympus is not a time zone known here",
  ],
])("refuses %j", (change, message) => {
  expect(() => checkSpec(spec(change))).toThrow(expect.objectContaining({ code: "BAD_SPEC", message }));
});

test("names every wrong field at once, with its path", () => {
  const wrong = spec({ shards: 3, movesPerHost: 99 });
  const paths = [["shards"], ["resharding", "movesPerHost"]];
  const fields = paths.map((path) => expect.objectContaining({ path }));
  expect(() => checkSpec(wrong)).toThrow(expect.objectContaining({ fields }));
  expect(() => refuseSpec("shards", "no")).toThrow("spec.shards: no");
});
