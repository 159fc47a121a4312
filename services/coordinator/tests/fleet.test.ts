import { expect, test } from "@jest/globals";
import { makeWorld } from "./world.ts";

async function serving(shards = 4, names = ["guild-0", "guild-1"]) {
  const world = makeWorld({ shards, hosts: names });
  await world.start();
  for (const name of names) world.host(name);
  await world.pass(3_000);
  return world;
}

test("places shards", async () => {
  const world = await serving();
  expect(world.owners()).toEqual({
    "0/4": "guild-0@1 Serving",
    "1/4": "guild-1@1 Serving",
    "2/4": "guild-0@1 Serving",
    "3/4": "guild-1@1 Serving",
  });
});

test("fails over", async () => {
  const world = await serving();
  const host = world.hosts.get("guild-1");
  if (host) host.alive = false;
  await world.pass(7_000);
  expect(world.owners()).toMatchObject({ "1/4": "guild-0@2 Serving", "3/4": "guild-0@2 Serving" });
});

test("moves, doubles, undoes", async () => {
  const world = await serving();
  const { coordinator } = world;
  await coordinator?.moveShard({ i: 0, n: 4 }, "guild-1", false);
  await world.pass(2_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-1@2 Serving" });
  await world.apply({ shards: 8 });
  await world.pass(1_000);
  const hash = coordinator?.describe().reshard?.planHash ?? "";
  await coordinator?.driveReshard({ verb: "approve", hash }, false);
  await world.pass(20_000);
  expect(coordinator?.describe().reshard).toMatchObject({ phase: "Completed", moved: 2, serving: 8 });
  await coordinator?.driveReshard({ verb: "undo" }, false);
  await world.pass(20_000);
  expect(coordinator?.describe().reshard).toMatchObject({ phase: "Undone", moved: 2, serving: 8 });
  expect(world.owners()).toMatchObject({ "0/8": "guild-1@5 Serving", "4/8": "guild-1@5 Serving" });
});
