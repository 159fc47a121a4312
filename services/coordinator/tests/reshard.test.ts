import { expect, test } from "@jest/globals";
import { serving, type World } from "./world.ts";

const two = { shards: 4, hosts: ["guild-0", "guild-1"] };

const reshardOf = (world: World) => world.now.describe().reshard;
const phaseOf = (world: World) => reshardOf(world)?.phase;
const hashOf = (world: World) => reshardOf(world)?.planHash ?? "";

/** A fleet of 4 shards on two hosts, all of which were moved to guild-1 but one. */
async function uneven(): Promise<World> {
  const world = await serving(two);
  await world.now.moveShard({ i: 0, n: 4 }, "guild-1", false);
  await world.pass(2_000);
  return world;
}

async function planned(): Promise<World> {
  const world = await uneven();
  await world.apply({ shards: 8 });
  await world.pass(500);
  return world;
}

const approve = (world: World, hash = hashOf(world)) => world.now.driveReshard({ verb: "approve", hash }, false);
const drive = (world: World, verb: "pause" | "resume" | "cancel" | "undo") => world.now.driveReshard({ verb }, false);

test("plans when the spec doubles, and changes nothing until it is approved", async () => {
  const world = await planned();
  expect(reshardOf(world)).toMatchObject({ phase: "Planned", from: 4, to: 8, approved: false, total: 2, serving: 4 });
  await world.pass(20_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Planned", message: `waits for the approval of ${hashOf(world)}` });
  const plan = await world.now.planReshard(8);
  expect(plan.hash).toBe(hashOf(world));
  expect(plan.splits).toHaveLength(4);
  expect(plan.splits[0]).toEqual({
    range: { i: 0, n: 4 },
    host: "guild-1",
    lowTopics: 10,
    highTopics: 14,
    lowLoad: expect.closeTo(0.25 * (10 / 24)),
    highLoad: expect.closeTo(0.25 * (14 / 24)),
  });
});

test("splits in place, then moves, and counts what it did", async () => {
  const world = await planned();
  await approve(world);
  await world.pass(30_000);
  expect(reshardOf(world)).toMatchObject({
    phase: "Completed",
    approved: true,
    split: 4,
    moved: 2,
    total: 2,
    serving: 8,
    worstPauseMs: 12,
  });
  expect(world.shardsOf("guild-0")).toHaveLength(4);
  await world.pass(30_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("knows how long a split held a shard up, also when its host says so later", async () => {
  for (const tellsLate of [false, true]) {
    const world = await serving(two);
    for (const host of world.hosts.values()) host.tellsLate = tellsLate;
    await world.apply({ shards: 8, approvalRequired: false });
    await world.pass(20_000);
    expect(reshardOf(world)).toMatchObject({ phase: "Completed", moved: 0, worstPauseMs: 7 });
  }
});

test("needs no approval where none is required", async () => {
  const world = await uneven();
  await world.apply({ shards: 8, approvalRequired: false });
  await world.pass(20_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("apply plans as the spec does, with the hash that the plan before showed", async () => {
  const world = await uneven();
  const { hash } = await world.now.planReshard(8);
  expect((await world.now.driveReshard({ verb: "apply", to: 8 }, true)).phase).toBe("");
  const status = await world.now.driveReshard({ verb: "apply", to: 8 }, false);
  expect(status).toMatchObject({ phase: "Planned", planHash: hash, approved: false });
  await world.apply();
  expect(phaseOf(world)).toBe("Planned");
});

test("plans anew when the fleet changes, and wants that approved", async () => {
  const world = await planned();
  const former = hashOf(world);
  await world.now.moveShard({ i: 2, n: 4 }, "guild-1", false);
  await world.pass(3_000);
  expect(hashOf(world)).not.toBe(former);
  await expect(approve(world, former)).rejects.toMatchObject({ code: "REFUSED" });
  expect(reshardOf(world)).toMatchObject({ phase: "Planned", approved: false });
  await approve(world);
  await world.pass(20_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("withdraws the plan when the spec goes back", async () => {
  const world = await planned();
  await world.apply({ shards: 4 });
  await world.pass(10_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Cancelled", serving: 4 });
  await world.apply({ shards: 8 });
  await world.pass(1_000);
  expect(phaseOf(world)).toBe("Planned");
});

test("cancelled before splitting, nothing changes, and nothing is planned until another number or a new hash", async () => {
  const world = await planned();
  const former = hashOf(world);
  await drive(world, "cancel");
  await world.pass(10_000);
  await world.apply();
  expect(reshardOf(world)).toMatchObject({ phase: "Cancelled", serving: 4 });
  await expect(approve(world, former)).rejects.toMatchObject({ code: "REFUSED" });
  const { hash } = await world.now.planReshard(8);
  expect(hash).not.toBe(former);
  await approve(world, hash);
  await world.pass(20_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("cancelled while splitting, the rest is split in place and nothing moves", async () => {
  const world = await planned();
  for (const host of world.hosts.values()) host.answers = "silent";
  await approve(world);
  await world.pass(500);
  expect(phaseOf(world)).toBe("Splitting");
  await drive(world, "cancel");
  for (const host of world.hosts.values()) host.awake();
  await world.pass(20_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Cancelled", serving: 8, moved: 0 });
  expect(world.shardsOf("guild-0")).toHaveLength(2);
  await world.apply();
  await world.pass(5_000);
  expect(phaseOf(world)).toBe("Cancelled");
});

test("cancelled while moving only as long as nothing has moved", async () => {
  const world = await planned();
  for (const host of world.hosts.values()) host.movesAnswer = "refused";
  await approve(world);
  await world.pass(1_100);
  expect(phaseOf(world)).toBe("Moving");
  await drive(world, "pause");
  await world.pass(2_000);
  await drive(world, "cancel");
  expect(reshardOf(world)).toMatchObject({ phase: "Cancelled", serving: 8, moved: 0 });

  const other = await planned();
  await approve(other);
  await other.pass(1_100);
  for (const host of other.hosts.values()) host.movesAnswer = "refused";
  await other.pass(3_000);
  if (phaseOf(other) === "Moving") await expect(drive(other, "cancel")).rejects.toThrow("undo it instead");
});

test("undone, what moved goes back to where its parent was split, and the number stays doubled", async () => {
  const world = await planned();
  await expect(drive(world, "undo")).rejects.toThrow("there is no reshard to undo");
  await approve(world);
  await world.pass(20_000);
  await drive(world, "undo");
  await world.pass(20_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Undone", serving: 8, moved: 2, total: 2 });
  expect(world.shardsOf("guild-0")).toEqual(["2/8", "6/8"]);
  await world.apply();
  await world.pass(20_000);
  expect(phaseOf(world)).toBe("Undone");
  await world.apply({ shards: 16 });
  await world.pass(1_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Planned", from: 8, to: 16 });
});

test("undone while it moves", async () => {
  const world = await planned();
  await approve(world);
  world.the("guild-1").movesAnswer = "one, then refused";
  await world.pass(1_500);
  expect(reshardOf(world)).toMatchObject({ phase: "Moving", moved: 1 });
  await drive(world, "undo");
  await world.pass(20_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Undone", moved: 1, total: 1 });
  expect(world.shardsOf("guild-0")).toEqual(["2/8", "6/8"]);
});

test("paused it begins nothing, and goes on when resumed", async () => {
  const world = await planned();
  await drive(world, "pause");
  await approve(world);
  await world.pass(5_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Planned", approved: true, paused: true, message: "paused" });
  await drive(world, "resume");
  await world.pass(20_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("moves only in its windows", async () => {
  const world = await planned();
  // The world's clock begins at 08:53:20 UTC on Thursday, 9 October 2025.
  const window = { days: [], fromMinute: 9 * 60, toMinute: 10 * 60, timeZone: "UTC" };
  await world.apply({ shards: 8, reshardingWindows: [window] });
  await approve(world);
  await world.pass(60_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Moving", message: "waiting for a window of resharding.windows" });
  await world.pass(360_000);
  expect(phaseOf(world)).toBe("Completed");
});

test("waits for a host that fails meanwhile, and goes on with what then is", async () => {
  const world = await planned();
  world.the("guild-1").answers = "silent";
  await approve(world);
  await world.pass(1_000);
  await world.lose("guild-1");
  await world.pass(1_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Splitting", message: "guild-1 is not ready" });
  expect(world.shardsOf("guild-0").length).toBe(Object.keys(world.owners()).length);
  world.host("guild-1", "guild-1-b");
  await world.pass(30_000);
  expect(reshardOf(world)).toMatchObject({ phase: "Completed", serving: 8 });
});

test.each<[string, number, (world: World) => unknown, string]>([
  ["no doubling", 16, () => {}, "16 is not a doubling: 4 shards can only become 8"],
  ["the same number", 4, () => {}, "4 is not a doubling: 4 shards can only become 8"],
  ["a missing host", 8, (world) => world.lose("guild-1"), "guild-1 is not ready"],
  ["a paused fleet", 8, (world) => world.apply({ paused: true }), "spec.paused is set"],
  [
    "differing versions",
    8,
    (world) => {
      world.the("guild-1").version = "2";
      return world.pass(1_000);
    },
    "versions differ: guild-0 1, guild-1 2",
  ],
  [
    "an order that is out",
    8,
    async (world) => {
      world.the("guild-1").deaf = true;
      world.host("guild-0", "guild-0-b").deaf = true;
      await world.pass(200);
    },
    "guild-0 does not serve 0/4 now",
  ],
])("refuses to double with %s", async (_, to, prepare, reason) => {
  const world = await serving(two);
  await prepare(world);
  for (const dryRun of [true, false]) {
    const refused = world.now.driveReshard({ verb: "apply", to }, dryRun);
    await expect(refused).rejects.toMatchObject({ code: "REFUSED", message: reason });
  }
  await expect(world.now.planReshard(to)).rejects.toMatchObject({ message: reason });
});

test("refuses a second one while one is under way, in words and in the spec", async () => {
  const world = await planned();
  const second = world.now.driveReshard({ verb: "apply", to: 8 }, false);
  await expect(second).rejects.toThrow("a reshard is Planned");
  for (const host of world.hosts.values()) host.answers = "silent";
  await approve(world);
  await world.pass(500);
  await expect(world.apply({ shards: 16 })).rejects.toMatchObject({
    code: "BAD_SPEC",
    message: "spec.shards: must stay 8: a reshard 4 → 8 is Splitting",
  });
  await expect(world.apply({ shards: 3 })).rejects.toThrow("spec.shards: must be a power of two from 1 to 65536");
});

test("refuses a spec that is no doubling, with nothing of it applied", async () => {
  const world = await serving(two);
  const bad = world.apply({ shards: 16, paused: true });
  await expect(bad).rejects.toThrow("spec.shards: must be 4 (as many as serve) or 8 (twice as many), not 16");
  expect(world.now.describe().spec).toMatchObject({ shards: 4, paused: false });
});

test("says why a doubling that the spec wants is not planned yet, and plans it once it can be", async () => {
  const world = await serving(two);
  await world.lose("guild-1");
  await world.apply({ shards: 8 });
  await world.pass(10_000);
  expect(reshardOf(world)).toMatchObject({ phase: "", message: "4 → 8 cannot be planned now: guild-1 is not ready" });
  world.host("guild-1", "guild-1-b");
  await world.pass(5_000);
  expect(phaseOf(world)).toBe("Planned");
});
