import { expect, test } from "@jest/globals";
import { hostLeaseTtlMs } from "../src/pure.ts";
import { serving, World } from "./world.ts";

const two = { shards: 4, hosts: ["guild-0", "guild-1"] };

test("gives shard i to host i mod hosts at first, one order each under one move id", async () => {
  const world = await serving(two);
  expect(world.owners()).toEqual({
    "0/4": "guild-0@1 Serving",
    "1/4": "guild-1@1 Serving",
    "2/4": "guild-0@1 Serving",
    "3/4": "guild-1@1 Serving",
  });
  expect(world.the("guild-0").got.map(({ kind, range }) => `${kind} ${range.i}`)).toEqual(["take 0", "take 2"]);
});

test("gives what nobody ever had to whoever is there when its host has not come within 2 s", async () => {
  const world = new World(two);
  await world.start();
  world.host("guild-0");
  await world.pass(1_500);
  expect(world.owners()).toMatchObject({ "1/4": "@0 Lost", "3/4": "@0 Lost" });
  await world.pass(2_000);
  expect(Object.values(world.owners())).toEqual(Array(4).fill("guild-0@1 Serving"));
});

test("gives a lapsed host's shards to survivors, spread, and not before a full TTL without a renewal", async () => {
  const world = await serving({ shards: 8, hosts: ["guild-0", "guild-1", "guild-2"] });
  const lost = world.the("guild-2");
  lost.alive = false;
  await world.pass(hostLeaseTtlMs - 1_000);
  expect(world.shardsOf("guild-2")).toHaveLength(2);
  await world.pass(2_500);
  expect(world.shardsOf("guild-2")).toEqual([]);
  expect([world.shardsOf("guild-0").length, world.shardsOf("guild-1").length]).toEqual([4, 4]);
});

test("gives a host's shards back to it at once when it runs in another incarnation, and refuses the former", async () => {
  const world = await serving(two);
  const former = world.the("guild-1");
  world.host("guild-1", "guild-1-b");
  await world.pass(200);
  expect(world.owners()).toMatchObject({ "1/4": "guild-1@2 Serving", "3/4": "guild-1@2 Serving" });
  await expect(world.now.renewHost(former.renewal())).rejects.toMatchObject({ code: "FENCED" });
  await world.start();
  await expect(world.now.renewHost(former.renewal())).rejects.toMatchObject({ code: "FENCED" });
});

test("waits a full TTL after its own start before it takes anything from a host that it has not heard", async () => {
  const world = await serving(two);
  world.the("guild-1").alive = false;
  await world.start();
  await world.pass(hostLeaseTtlMs - 500);
  expect(world.shardsOf("guild-1")).toHaveLength(2);
  await world.pass(2_000);
  expect(world.shardsOf("guild-0")).toHaveLength(4);
});

test("does not count the time in which it did not run itself", async () => {
  const world = await serving(two);
  world.time.sleep(60_000);
  await world.pass(1_300);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Serving", "1/4": "guild-1@1 Serving" });
  expect(world.the("guild-0").got).toHaveLength(2);
});

test("trusts no lease of an incarnation against which an order is out, until the journal shows what came of it", async () => {
  const world = await serving(two);
  const [taker, paused] = [world.the("guild-0"), world.the("guild-1")];
  taker.deaf = true;
  paused.asleep = true;
  await world.pass(6_500);
  paused.asleep = false;
  await world.pass(1_000);
  expect(taker.got.slice(2).map(({ kind, fromIncarnation }) => [kind, fromIncarnation])).toEqual([
    ["take", "guild-1-a"],
    ["take", "guild-1-a"],
  ]);
  expect([paused.ttlMs, taker.ttlMs]).toEqual([0, hostLeaseTtlMs]);
  await world.start();
  await world.pass(3_000);
  expect(paused.ttlMs).toBe(0);
  taker.deaf = false;
  await world.pass(2_000);
  expect(world.shardsOf("guild-0")).toHaveLength(4);
  paused.owned.clear();
  await world.pass(2_000);
  expect(paused.ttlMs).toBe(hostLeaseTtlMs);
});

test("has an owner that is back take its own shards anew when the one that was to take them is gone", async () => {
  const world = await serving(two);
  const [taker, paused] = [world.the("guild-0"), world.the("guild-1")];
  taker.deaf = true;
  paused.asleep = true;
  await world.pass(6_500);
  taker.alive = false;
  paused.asleep = false;
  await world.pass(hostLeaseTtlMs + 3_000);
  expect(world.owners()).toMatchObject({ "1/4": "guild-1@2 Serving", "3/4": "guild-1@2 Serving" });
  expect(world.shardsOf("guild-1")).toHaveLength(4);
  expect(paused.ttlMs).toBe(hostLeaseTtlMs);
});

test("leaves a taker that takes nothing for another one", async () => {
  const world = await serving({ shards: 2, hosts: ["guild-0", "guild-1", "guild-2"] });
  world.the("guild-1").alive = false;
  world.the("guild-2").deaf = true;
  await world.pass(35_000);
  expect(world.owners()).toMatchObject({ "1/2": "guild-0@2 Serving" });
});

test("has a shard that its owner does not serve any more taken anew, by the journal's word", async () => {
  const world = await serving(two);
  const host = world.the("guild-1");
  host.owned.delete("1/4");
  await world.pass(6_000);
  expect(world.owners()).toMatchObject({ "1/4": "guild-1@2 Serving", "3/4": "guild-1@1 Serving" });
});

test("learns from the journal what a taker that died meanwhile had taken", async () => {
  const world = await serving({ shards: 2, hosts: ["guild-0", "guild-1", "guild-2"] });
  const [owner, taker] = [world.the("guild-1"), world.the("guild-2")];
  const row = world.journal.ownerOf(1);
  expect(row?.host).toBe("guild-1");
  if (row === undefined) return;
  const next = { ...row, epoch: row.epoch + 1, host: "guild-2", incarnation: taker.incarnation, moveId: "of nobody" };
  world.journal.take({ ...next, prev: row });
  owner.owned.clear();
  taker.alive = false;
  await world.pass(15_000);
  expect(world.owners()).toMatchObject({ "1/2": expect.stringMatching(/^guild-[01]@3 Serving$/) });
});

test("rebuilds owners from a journal with ranges of different numbers, without any state of its own", async () => {
  const world = await serving(two);
  await world.apply({ approvalRequired: false, shards: 8 });
  await world.pass(3_000);
  const before = world.owners();
  expect(world.now.describe().reshard?.phase).toBe("Completed");
  world.the("guild-1").alive = false;
  world.forget();
  await world.start();
  await world.pass(1_500);
  expect(Object.keys(world.owners())).toEqual(Object.keys(before));
  await world.pass(7_000);
  expect(world.shardsOf("guild-0")).toHaveLength(8);
  expect(world.now.describe().reshard?.message).toBe("4 shards are wanted: 8 can only become 16");
});
