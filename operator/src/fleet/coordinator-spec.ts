import type { FleetSpec, MoveWindow } from "@guildhall/proto";
import { parseDurationMs } from "../api/v1alpha1/duration.ts";
import type { ShardSet } from "../api/v1alpha1/shard-set.ts";
import { parseDays, parseMinute } from "../api/v1alpha1/window.ts";

type Windows = ShardSet["spec"]["resharding"]["windows"];

/** The part of a checked document that the coordinator carries out. `hosts` are the names of the planned ones. */
export function coordinatorSpec({ spec }: ShardSet, hosts: readonly string[]): FleetSpec {
  const { resharding, rebalancing } = spec;
  return {
    shards: spec.shards,
    hosts: [...hosts],
    paused: spec.paused,
    approvalRequired: resharding.approval === "Required",
    movesPerHost: resharding.movesPerHost,
    reshardingWindows: resharding.windows.map(windowOf),
    rebalancingMode: rebalancing.mode,
    trigger: rebalancing.trigger,
    target: rebalancing.target,
    cooldownMs: parseDurationMs(rebalancing.cooldown) ?? 0,
    rebalancingWindows: rebalancing.windows.map(windowOf),
  };
}

function windowOf({ days, from, to, timeZone }: Windows[number]): MoveWindow {
  return {
    days: parseDays(days) ?? [],
    fromMinute: parseMinute(from) ?? 0,
    toMinute: parseMinute(to) ?? 0,
    timeZone,
  };
}
