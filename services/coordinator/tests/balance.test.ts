import { expect, test } from "@jest/globals";
import { serving } from "./world.ts";

const three = ["guild-0", "guild-1", "guild-2"];
const sizes = (world: Awaited<ReturnType<typeof serving>>) => three.map((name) => world.shardsOf(name).length);

test("gives an empty new host its part, a few shards at once, and then rests", async () => {
  const world = await serving({ shards: 16, hosts: ["guild-0", "guild-1"] });
  await world.apply({ hosts: three, rebalancingMode: "Auto" });
  world.host("guild-2");
  await world.pass(30_000);
  expect(sizes(world)).toEqual([8, 8, 0]);
  let most = 0;
  for (let tries = 0; tries < 200; tries++) {
    await world.pass(500);
    most = Math.max(most, world.now.describe().moves.filter(({ state }) => state === "Running").length);
  }
  expect(sizes(world).sort()).toEqual([5, 5, 6]);
  expect(most).toBeLessThanOrEqual(2);
  const moved = world.now.describe().moves.length;
  await world.pass(120_000);
  expect(world.now.describe().moves).toHaveLength(moved);
  expect(world.decided("balance").at(-1)).toMatch(/^nothing: .* \(\d+ times since /);
});

test("moves load, not numbers, where there is load, and tells the imbalance", async () => {
  const world = await serving({ shards: 8, hosts: ["guild-0", "guild-1"] });
  for (const host of world.hosts.values()) host.loadOf = (key) => ({ "0/8": 0.4, "2/8": 0.4 })[key] ?? 0.02;
  await world.apply({ rebalancingMode: "Auto" });
  await world.pass(70_000);
  const homes = ["0/8", "2/8"].map((key) => world.owners()[key]?.split("@")[0]);
  expect(new Set(homes).size).toBe(2);
  expect(world.now.describe().imbalance).toBeLessThan(1.1);
});

test.each(["Off", "DryRun"] as const)("moves nothing in mode %s, and says why", async (rebalancingMode) => {
  const world = await serving({ shards: 16, hosts: ["guild-0", "guild-1"] });
  await world.apply({ hosts: three, rebalancingMode });
  world.host("guild-2");
  await world.pass(120_000);
  expect(sizes(world)).toEqual([8, 8, 0]);
  const expected =
    rebalancingMode === "Off" ? /^nothing: rebalancing.mode is Off/ : /^would move \d+\/16 guild-. → guild-2: /;
  expect(world.decided("balance").at(-1)).toMatch(expected);
});

test("balances at once, whatever the mode, when an operator asks, until the hosts are even", async () => {
  const world = await serving({ shards: 16, hosts: ["guild-0", "guild-1"] });
  await world.apply({ hosts: three });
  world.host("guild-2");
  await world.pass(2_000);
  const dry = await world.now.rebalance(true);
  expect(dry.moves).toHaveLength(5);
  await world.pass(10_000);
  expect(sizes(world)).toEqual([8, 8, 0]);
  expect((await world.now.rebalance(false)).moves).toEqual(dry.moves);
  await world.pass(60_000);
  expect(sizes(world).sort()).toEqual([5, 5, 6]);
  await world.apply({ paused: true });
  await expect(world.now.rebalance(false)).rejects.toMatchObject({ code: "REFUSED", message: "spec.paused is set" });
});

test("waits while versions differ, a host is missing, the fleet is paused or a reshard is planned", async () => {
  const world = await serving({ shards: 16, hosts: ["guild-0", "guild-1"] });
  await world.apply({ hosts: three, rebalancingMode: "Auto" });
  await world.pass(80_000);
  expect(world.decided("balance").at(-1)).toMatch(/^nothing: guild-2 is not ready/);
  world.host("guild-2").version = "2";
  await world.pass(12_000);
  expect(world.decided("balance").at(-1)).toMatch(/^nothing: versions differ/);
  world.the("guild-2").version = "1";
  await world.apply({ paused: true });
  await world.pass(12_000);
  expect(world.decided("balance").at(-1)).toMatch(/^nothing: spec.paused is set/);
  await world.apply({ paused: false, shards: 32 });
  await world.pass(12_000);
  expect(world.decided("balance").at(-1)).toMatch(/^nothing: a reshard is Planned/);
  expect(sizes(world)).toEqual([8, 8, 0]);
});
