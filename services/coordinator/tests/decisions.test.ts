import { GuildhallError } from "@guildhall/errors";
import { expect, test } from "@jest/globals";
import { World } from "./world.ts";

const ask = (incarnation: string, highestTimeMs = 0) => ({ process: "api-0", incarnation, highestTimeMs });
const fleet = { shards: 2, hosts: ["guild-0", "guild-1"] };

test("reads the epochs until data answers, and orders nothing before; leases go on meanwhile", async () => {
  const world = new World(fleet);
  world.journal.down = true;
  const coordinator = await world.start();
  const host = world.host("guild-0");
  await world.pass(1_000);
  expect(coordinator.status().epochsRead).toBe(false);
  expect(world.failures.length).toBeGreaterThan(1);
  expect(host.got).toEqual([]);
  expect(await coordinator.leaseWorker(ask("api-0/a"))).toMatchObject({ workerId: 0, ttlMs: 600_000 });
  world.journal.down = false;
  await world.pass(3_500);
  expect(host.got).not.toEqual([]);
});

test("reads the epochs once while every order is carried out, and again while one stands", async () => {
  const world = new World(fleet);
  await world.start();
  const hosts = [world.host("guild-0"), world.host("guild-1")];
  await world.pass(60_000);
  expect(world.journal.readings).toBe(1);
  const [first, second] = hosts;
  if (first) first.alive = false;
  if (second) second.deaf = true;
  await world.pass(16_000);
  expect(world.journal.readings).toBeGreaterThan(2);
});

test("answers no lease that is not durable, and makes it durable when asked again", async () => {
  const world = new World(fleet);
  const { save } = world.store;
  const disk = { full: true };
  world.store.save = async (changes) => {
    if (disk.full) throw new GuildhallError("INTERNAL", "disk full");
    await save(changes);
  };
  const coordinator = await world.start();
  await expect(coordinator.leaseWorker(ask("api-0/a"))).rejects.toMatchObject({ code: "INTERNAL" });
  const host = world.host("guild-0");
  await world.pass(500);
  expect([host.ttlMs, host.got]).toEqual([5_000, []]);
  disk.full = false;
  expect((await coordinator.leaseWorker(ask("api-0/a"))).workerId).toBe(0);
  const { rows } = await world.store.claim();
  expect(rows.filter(({ kind }) => kind === "worker")).toMatchObject([
    { row: { workerId: 0, incarnation: "api-0/a" } },
  ]);
});

test("concurrent leases get bits of their own, and keep them over a restart with their high marks", async () => {
  const world = new World(fleet);
  const coordinator = await world.start();
  const incarnations = Array.from({ length: 50 }, (_, n) => `api-0/${n}`);
  const leases = await Promise.all(incarnations.map((incarnation) => coordinator.leaseWorker(ask(incarnation, 5))));
  expect(new Set(leases.map(({ workerId }) => workerId)).size).toBe(50);
  const restarted = await world.start();
  const renewed = { ...ask("api-0/7"), workerId: leases[7]?.workerId ?? -1 };
  expect((await restarted.leaseWorker(renewed)).workerId).toBe(leases[7]?.workerId);
  expect((await restarted.leaseWorker(ask("api-0/new"))).workerId).toBe(50);
});
