import { expect, test } from "@jest/globals";
import { serving, type World } from "./world.ts";

const two = { shards: 4, hosts: ["guild-0", "guild-1"] };
const shard = { i: 0, n: 4 };

test("has a shard handed over, says so in the map before it happens, and remembers how it went", async () => {
  const world = await serving(two);
  const watch = world.now.watchMap(() => {});
  watch.take();
  world.the("guild-0").answers = "silent";
  const { moveId, fromHost } = await world.now.moveShard(shard, "guild-1", false);
  expect(fromHost).toBe("guild-0");
  const intent = { moveId, toHost: "guild-1", toAddress: "guild-1:7000" };
  expect(watch.take()?.entries).toMatchObject([{ range: shard, host: "guild-0", moving: intent }]);
  await world.pass(1_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Moving" });
  const [order] = world.the("guild-0").got.slice(-1);
  expect(order).toMatchObject({
    kind: "move",
    toHost: "guild-1",
    toIncarnation: "guild-1-a",
    toAddress: "guild-1:7000",
  });

  world.the("guild-0").answers = "done";
  world.the("guild-0").forget(moveId);
  await world.pass(2_000);
  expect(watch.take()?.entries).toEqual([
    { range: shard, host: "guild-1", address: "guild-1:7000", epoch: 2, incarnation: "guild-1-a" },
  ]);
  expect(world.now.describe().moves).toMatchObject([
    { moveId, range: shard, fromHost: "guild-0", toHost: "guild-1", state: "Done", pauseMs: 12 },
  ]);
});

test("only says whether it could, when asked for no more", async () => {
  const world = await serving(two);
  expect(await world.now.moveShard(shard, "guild-1", true)).toEqual({ moveId: "", fromHost: "guild-0" });
  await world.pass(2_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Serving" });
});

test.each<[string, { i: number; n: number }, string, (world: World) => Promise<unknown> | unknown, string]>([
  ["a shard that is none", { i: 0, n: 8 }, "guild-1", () => {}, "there is no shard 0/8"],
  ["a host that is none", shard, "guild-9", () => {}, "guild-9 is not a host of the spec"],
  ["its own host", shard, "guild-0", () => {}, "guild-0 has it already"],
  ["a host that is gone", shard, "guild-1", (world) => world.lose("guild-1"), "guild-1 is not ready"],
  [
    "a host to be emptied",
    shard,
    "guild-1",
    (world) => world.now.drainHost("guild-1", "drain"),
    "guild-1 is being drained",
  ],
  ["a paused fleet", shard, "guild-1", (world) => world.apply({ paused: true }), "spec.paused is set"],
  [
    "one that moves",
    shard,
    "guild-1",
    (world) => world.now.moveShard(shard, "guild-1", false),
    "an order to move 0/4 is out",
  ],
  [
    "a slow journal",
    shard,
    "guild-1",
    (world) => {
      world.the("guild-0").journalP99Ms = 31;
      return world.pass(1_000);
    },
    "the journal is slow at guild-0: p99 above 20 ms",
  ],
])("refuses to move %s", async (_, range, toHost, prepare, reason) => {
  const world = await serving(two);
  await prepare(world);
  await expect(world.now.moveShard(range, toHost, false)).rejects.toMatchObject({ code: "REFUSED", message: reason });
});

test("lets a host take part in as many moves as it may at once", async () => {
  const world = await serving({ shards: 8, hosts: ["guild-0", "guild-1"] });
  world.the("guild-0").answers = "silent";
  for (const i of [0, 2]) await world.now.moveShard({ i, n: 8 }, "guild-1", false);
  const third = world.now.moveShard({ i: 4, n: 8 }, "guild-1", false);
  await expect(third).rejects.toThrow("guild-0 takes part in 2 moves already");
});

test("lets a shard rest after it was refused, longer each time, and for 10 minutes after three take-backs", async () => {
  const world = await serving(two);
  const host = world.the("guild-0");
  const refusalOf = (): Promise<string> =>
    world.now.moveShard(shard, "guild-1", true).then(
      () => "",
      ({ message }: Error) => message,
    );
  const tryMove = async (answers: typeof host.answers): Promise<string> => {
    host.answers = answers;
    await world.now.moveShard(shard, "guild-1", false);
    await world.pass(1_100);
    return refusalOf();
  };
  await world.now.moveShard(shard, "guild-1", true);
  host.answers = "refused";
  await world.now.moveShard(shard, "guild-1", false);
  await world.pass(1_100);
  await world.pass(1_000);
  expect(await tryMove("refused")).toMatch(/^(|0\/4 waits until .*: not now)$/);
  for (let times = 1; times <= 3; times++) {
    await world.pass(60_000);
    await tryMove("taken back");
  }
  await world.pass(60_000);
  expect(await refusalOf()).toMatch(/^0\/4 waits until .* UTC: it was taken back 3 times and rests$/);
  await world.start();
  await world.pass(2_000);
  expect(await refusalOf()).toMatch(/taken back 3 times/);
  await world.pass(600_000);
  expect(await refusalOf()).toBe("");
  expect(world.now.describe().moves.map(({ state }) => state)).toEqual([
    "Refused",
    "Refused",
    "TakenBack",
    "TakenBack",
    "TakenBack",
  ]);
});

test("looks a move with no word up in the journal after 30 s, and closes it", async () => {
  const world = await serving(two);
  world.the("guild-0").answers = "silent";
  await world.now.moveShard(shard, "guild-1", false);
  await world.pass(25_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Moving" });
  await world.pass(8_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Serving" });
  const reason = "no word of it, and the journal shows none";
  expect(world.now.describe().moves).toMatchObject([{ state: "Lost", reason }]);
  expect(world.journal.readings).toBe(2);
});

test("loses the move of a host that is gone, and gives the shard to a survivor", async () => {
  const world = await serving(two);
  world.the("guild-0").answers = "silent";
  await world.now.moveShard(shard, "guild-1", false);
  world.the("guild-0").alive = false;
  await world.pass(8_000);
  expect(world.now.describe().moves).toMatchObject([{ state: "Lost", reason: "guild-0 does not renew its lease" }]);
  expect(world.shardsOf("guild-1")).toHaveLength(4);
});

test("answers who waits for orders once there are some, once each, and after the time without", async () => {
  const world = await serving(two);
  const host = { host: "guild-0", incarnation: "guild-0-a" };
  const first = world.now.awaitOrders(host, 0, 60_000);
  const { moveId } = await world.now.moveShard(shard, "guild-1", false);
  const given = await first;
  expect(given.orders).toMatchObject([{ kind: "move", range: shard, moveId }]);
  const second = world.now.awaitOrders(host, given.seen, 500);
  await world.pass(499);
  await world.pass(2);
  expect(await second).toEqual({ orders: [], seen: given.seen });
});

test("gives orders to waiters again that a former coordinator had counted", async () => {
  const world = await serving(two);
  world.the("guild-0").answers = "silent";
  const host = { host: "guild-0", incarnation: "guild-0-a" };
  const first = world.now.awaitOrders(host, 0, 60_000);
  const { moveId } = await world.now.moveShard(shard, "guild-1", false);
  const { seen } = await first;
  await world.start();
  const { orders, seen: later } = await world.now.awaitOrders(host, seen, 60_000);
  expect(orders).toMatchObject([{ moveId }]);
  expect(later).toBeGreaterThan(seen);
});

test("empties a host that an operator drains, whatever versions say, until it runs anew or that is cancelled", async () => {
  const world = await serving({ shards: 8, hosts: ["guild-0", "guild-1", "guild-2"] });
  world.the("guild-2").version = "2";
  expect(await world.now.drainHost("guild-1", "none")).toBe(3);
  expect(await world.now.drainHost("guild-1", "drain")).toBe(3);
  await world.pass(10_000);
  expect(await world.now.drainHost("guild-1", "none")).toBe(0);
  expect(world.now.describe().hosts.map(({ name, state, shards }) => [name, state, shards])).toEqual([
    ["guild-0", "Ready", 4],
    ["guild-1", "Draining", 0],
    ["guild-2", "Ready", 4],
  ]);
  await world.now.drainHost("guild-1", "cancel");
  expect(world.now.describe().hosts[1]?.state).toBe("Ready");
  await world.now.drainHost("guild-1", "drain");
  world.host("guild-1", "guild-1-b");
  await world.pass(1_000);
  expect(world.now.describe().hosts[1]?.state).toBe("Ready");
  await expect(world.now.drainHost("guild-7", "drain")).rejects.toMatchObject({ code: "REFUSED" });
});

test("empties hosts that the spec has no more, and then says that they may be stopped", async () => {
  const world = await serving({ shards: 4, hosts: ["guild-0", "guild-1"] });
  expect((await world.apply({ hosts: ["guild-0"] })).removableHosts).toEqual([]);
  await world.pass(10_000);
  expect((await world.apply()).removableHosts).toEqual(["guild-1"]);
  await world.start();
  expect((await world.apply()).removableHosts).toEqual(["guild-1"]);
  await world.apply({ hosts: ["guild-0", "guild-1"] });
  expect((await world.apply()).removableHosts).toEqual([]);
});
