import { expect, test } from "@jest/globals";
import type { CoordinatorStore } from "../src/pure.ts";
import { serving, World } from "./world.ts";

const two = { shards: 4, hosts: ["guild-0", "guild-1"] };

/** A store whose `at`th save kills the coordinator: before it is done, or after, and before anybody learns of it. */
function killing(inner: CoordinatorStore, at: number, when: "before" | "after", kill: () => void): CoordinatorStore {
  let saves = 0;
  return {
    claim: () => inner.claim(),
    generation: () => inner.generation(),
    async save(save) {
      saves += 1;
      if (saves === at && when === "before") {
        kill();
        throw new Error("killed");
      }
      await inner.save(save);
      if (saves === at) {
        kill();
        throw new Error("killed");
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** What an operator does, again and again until it has come about: he does not know who was killed. */
async function until(world: World, isDone: () => boolean, act: () => Promise<unknown>): Promise<void> {
  const isOver = (): boolean => world.coordinator !== undefined && isDone();
  for (let tries = 0; tries < 60 && !isOver(); tries++) {
    if (world.coordinator !== undefined) await act().catch(() => {});
    await world.pass(1_000);
  }
  expect(isOver()).toBe(true);
}

const phaseOf = (world: World) => world.now.describe().reshard?.phase;

/** From nothing: places shards, moves one, loses a host and gets it back, doubles, undoes it. */
async function live(world: World): Promise<void> {
  world.host("guild-0");
  world.host("guild-1");
  await until(
    world,
    () => world.shardsOf("guild-1").length === 2,
    async () => {},
  );
  await until(
    world,
    () => world.shardsOf("guild-1").includes("0/4"),
    () => world.now.moveShard({ i: 0, n: 4 }, "guild-1", false),
  );
  world.the("guild-0").alive = false;
  await until(
    world,
    () => world.shardsOf("guild-1").length === 4,
    async () => {},
  );
  world.host("guild-0", "guild-0-b");
  await until(
    world,
    () => phaseOf(world) === "Planned",
    () => world.apply({ shards: 8 }),
  );
  const approve = () =>
    world.now.driveReshard({ verb: "approve", hash: world.now.describe().reshard?.planHash ?? "" }, false);
  await until(world, () => phaseOf(world) === "Completed", approve);
  await until(
    world,
    () => phaseOf(world) === "Undone",
    () => world.now.driveReshard({ verb: "undo" }, false),
  );
}

test("a coordinator that is killed at any save, before or after, is followed by one that goes on from there", async () => {
  for (const when of ["before", "after"] as const) {
    for (let at = 1; ; at++) {
      const world = new World(two);
      const inner = world.store;
      let killed = false;
      world.store = killing(inner, at, when, () => {
        killed = true;
        world.stop();
        world.store = inner;
        world.time.timers.after(700, () => void world.start());
      });
      await world.start().catch(() => {});
      await world.pass(1_000);
      await live(world);
      expect(world.shardsOf("guild-1")).toHaveLength(8);
      expect(Object.values(world.owners()).every((owner) => owner.endsWith("Serving"))).toBe(true);
      const moveIds = [...world.hosts.values()].flatMap(({ got }) => got.map(({ moveId }) => moveId));
      expect(new Set(moveIds).size).toBe(moveIds.length);
      if (!killed) {
        expect(at).toBeGreaterThan(15);
        break;
      }
    }
  }
});

test("what watchers are told follows version by version over a restart, without a gap in what they know", async () => {
  const world = await serving(two);
  const known = new Map<string, string>();
  let version = 0;
  const follow = () => {
    const watch = world.now.watchMap(() => take());
    const take = (): void => {
      const delta = watch.take();
      if (delta === undefined) return;
      if (delta.fromVersion === 0) known.clear();
      else expect(delta.fromVersion).toBe(version);
      expect(delta.version).toBeGreaterThanOrEqual(version);
      version = delta.version;
      for (const { i, n } of delta.removed) known.delete(`${i}/${n}`);
      for (const { range, host, epoch } of delta.entries)
        known.set(`${range.i}/${range.n}`, `${host}@${epoch} Serving`);
    };
    take();
  };
  follow();
  await world.apply({ shards: 8, approvalRequired: false });
  await world.pass(900);
  await world.start();
  follow();
  await world.pass(10_000);
  expect(Object.fromEntries(known)).toEqual(world.owners());
  expect(known.size).toBe(8);
});

test("a second coordinator on the same state deposes the first, which says so and does nothing any more", async () => {
  const world = await serving(two);
  const first = world.now;
  const waiting = first.awaitOrders({ host: "guild-0", incarnation: "guild-0-a" }, 0, 60_000);
  const second = await world.another();
  expect(world.deposed).toEqual([]);
  await expect(first.renewHost(world.the("guild-0").renewal())).rejects.toMatchObject({ code: "FENCED" });
  expect(world.deposed).toEqual(["coordinator 2 has taken over"]);
  expect((await waiting).orders).toEqual([]);
  await expect(first.leaseWorker({ process: "a", incarnation: "b", highestTimeMs: 0 })).rejects.toMatchObject({
    code: "FENCED",
  });
  await expect(first.moveShard({ i: 0, n: 4 }, "guild-1", false)).rejects.toMatchObject({ code: "FENCED" });
  world.coordinator = second;
  await world.pass(2_000);
  expect(world.owners()).toMatchObject({ "0/4": "guild-0@1 Serving" });
});

test("an idle coordinator finds out by itself that it was deposed", async () => {
  const world = new World(two);
  await world.start();
  await world.pass(5_000);
  const second = await world.another();
  await world.pass(2_000);
  expect(world.deposed).toHaveLength(1);
  second[Symbol.dispose]();
});

test("a deposed coordinator's last trust has ended before the next one gives anything away", async () => {
  const world = await serving(two);
  const first = world.now;
  const host = world.the("guild-1");
  await first.renewHost(host.renewal());
  const trustedUntilMs = world.time.clock.monotonicMs() + 5_000;
  host.alive = false;
  await world.start();
  while (world.the("guild-0").got.length < 3) await world.pass(250);
  expect(world.time.clock.monotonicMs()).toBeGreaterThanOrEqual(trustedUntilMs);
});
