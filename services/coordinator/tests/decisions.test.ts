import { GuildhallError } from "@guildhall/errors";
import type { EpochRow, MapUpdate } from "@guildhall/slots";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { createCoordinator } from "../src/domain/coordinator.ts";
import type { CoordinatorStore } from "../src/store/coordinator-store.ts";
import { makeMemoryCoordinatorStore } from "../src/store/coordinator-store-memory.ts";

const epoch = (i: number, number: number, host: string, incarnation: string): EpochRow => ({
  range: { i, n: 2 },
  split: false,
  epoch: number,
  host,
  incarnation,
  moveId: `m${number}`,
});
const renewal = (host: string, incarnation: string, owned: EpochRow[] = []) => ({
  host,
  address: `${host}:7000`,
  incarnation,
  owned,
});
const ask = (incarnation: string, highestTimeMs = 0) => ({ process: "api-0", incarnation, highestTimeMs });

async function start({
  store = makeMemoryCoordinatorStore(),
  down = false,
}: {
  store?: CoordinatorStore;
  down?: boolean;
} = {}) {
  const time = makeManualTime();
  const journal = { rows: [] as EpochRow[], down, readings: 0 };
  const failures: unknown[] = [];
  let ids = 0;
  const coordinator = await createCoordinator(
    { shards: 2, hosts: ["guild-0", "guild-1"] },
    {
      clock: time.clock,
      timers: time.timers,
      newId: () => `order-${++ids}`,
      store,
      onEpochFailure: (error) => failures.push(error),
      async readEpochs() {
        journal.readings += 1;
        if (journal.down) throw new GuildhallError("UNAVAILABLE", "data is down");
        return journal.rows;
      },
    },
  );
  return { time, journal, failures, coordinator, store };
}

test("reads the epochs until data answers, and orders nothing before; leases go on meanwhile", async () => {
  const { time, journal, failures, coordinator } = await start({ down: true });
  await time.advanceAsync(1_000);
  expect(coordinator.status().epochsRead).toBe(false);
  expect(failures.length).toBeGreaterThan(1);
  expect((await coordinator.renewHost(renewal("guild-0", "a"))).orders).toEqual([]);
  expect(await coordinator.leaseWorker(ask("api-0/a"))).toMatchObject({ workerId: 0, ttlMs: 600_000 });
  journal.down = false;
  await time.advanceAsync(3_000);
  expect((await coordinator.renewHost(renewal("guild-0", "a"))).orders).toHaveLength(1);
});

test("reads the epochs again when an order stands, and then names the owner that the journal has", async () => {
  const { time, journal, coordinator } = await start();
  await time.advanceAsync(0);
  const [first] = (await coordinator.renewHost(renewal("guild-0", "b"))).orders;
  expect(first?.fromIncarnation).toBe("");
  journal.rows = [epoch(0, 4, "guild-0", "a")];
  await time.advanceAsync(9_000);
  const [second] = (await coordinator.renewHost(renewal("guild-0", "b"))).orders;
  expect(second?.fromIncarnation).toBe("a");
  expect(second?.moveId).not.toBe(first?.moveId);
});

test("reads the epochs once while every order is carried out", async () => {
  const { time, journal, coordinator } = await start();
  await time.advanceAsync(0);
  await coordinator.renewHost(renewal("guild-0", "a", [epoch(0, 1, "guild-0", "a")]));
  await time.advanceAsync(60_000);
  expect(journal.readings).toBe(1);
});

test("publishes the map once it is durable, to watchers old and new, and with a higher version after a restart", async () => {
  const { coordinator, store } = await start();
  const seen: MapUpdate[] = [];
  coordinator.watchMap((map) => seen.push(map));
  expect(seen).toEqual([]);
  await coordinator.renewHost(renewal("guild-0", "a", [epoch(0, 1, "guild-0", "a")]));
  expect(seen.map(({ version }) => version)).toEqual([1]);
  expect((await store.load()).map).toEqual(seen[0]);
  coordinator[Symbol.dispose]();

  const restarted = await start({ store });
  restarted.coordinator.watchMap((map) => seen.push(map));
  await restarted.coordinator.renewHost(renewal("guild-1", "a", [epoch(1, 1, "guild-1", "a")]));
  expect(seen.map(({ version, entries }) => [version, entries.length])).toEqual([
    [1, 1],
    [1, 1],
    [2, 2],
  ]);
});

test("answers no lease that is not durable, and makes it durable when asked again", async () => {
  const inner = makeMemoryCoordinatorStore();
  const disk = { full: true };
  const store: CoordinatorStore = {
    ...inner,
    async save(changes) {
      if (disk.full) throw new GuildhallError("INTERNAL", "disk full");
      await inner.save(changes);
    },
  };
  const { coordinator } = await start({ store });
  await expect(coordinator.leaseWorker(ask("api-0/a"))).rejects.toMatchObject({ code: "INTERNAL" });
  disk.full = false;
  expect((await coordinator.leaseWorker(ask("api-0/a"))).workerId).toBe(0);
  expect((await store.load()).workers).toMatchObject([{ workerId: 0, incarnation: "api-0/a" }]);
});

test("concurrent leases get bits of their own, and keep them over a restart with their high marks", async () => {
  const { coordinator, store } = await start();
  const incarnations = Array.from({ length: 50 }, (_, n) => `api-0/${n}`);
  const leases = await Promise.all(incarnations.map((incarnation) => coordinator.leaseWorker(ask(incarnation, 5))));
  expect(new Set(leases.map(({ workerId }) => workerId)).size).toBe(50);
  coordinator[Symbol.dispose]();
  const restarted = await start({ store });
  const renewed = { ...ask("api-0/7"), workerId: leases[7]?.workerId ?? -1 };
  expect((await restarted.coordinator.leaseWorker(renewed)).workerId).toBe(leases[7]?.workerId);
  expect((await restarted.coordinator.leaseWorker(ask("api-0/new"))).workerId).toBe(50);
  expect((await store.load()).workers.find(({ workerId }) => workerId === 7)?.highestTimeMs).toBe(5);
});
