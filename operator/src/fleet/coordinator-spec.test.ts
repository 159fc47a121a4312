import { expect, test } from "@jest/globals";
import { apiVersion, validateShardSet } from "../api/v1alpha1/index.ts";
import { coordinatorSpec } from "./coordinator-spec.ts";

test("tells the coordinator what it carries out", () => {
  const document = validateShardSet({
    apiVersion,
    kind: "ShardSet",
    metadata: { name: "main" },
    spec: {
      shards: 8,
      resharding: {
        approval: "Automatic",
        movesPerHost: 4,
        windows: [{ days: ["Fri-Mon"], from: "22:30", to: "06:00" }],
      },
      rebalancing: {
        mode: "DryRun",
        trigger: 1.2,
        cooldown: "90s",
        windows: [{ days: ["Sat", "Mon-Tue"], from: "00:00", to: "24:00", timeZone: "Europe/Berlin" }],
      },
      paused: true,
    },
  });
  expect(coordinatorSpec(document, ["guild-0", "guild-1"])).toEqual({
    shards: 8,
    hosts: ["guild-0", "guild-1"],
    paused: true,
    approvalRequired: false,
    movesPerHost: 4,
    reshardingWindows: [{ days: [0, 1, 5, 6], fromMinute: 1350, toMinute: 360, timeZone: "UTC" }],
    rebalancingMode: "DryRun",
    trigger: 1.2,
    target: 1.03,
    cooldownMs: 90_000,
    rebalancingWindows: [{ days: [1, 2, 6], fromMinute: 0, toMinute: 1440, timeZone: "Europe/Berlin" }],
  });
});
