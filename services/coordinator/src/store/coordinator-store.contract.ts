import { expect, test } from "@jest/globals";
import type { Change, EntryRow } from "../domain/kept.ts";
import type { WorkerRow } from "../domain/worker-leases.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";

const worker = (workerId: number, incarnation: string, highestTimeMs = 0): Change => {
  const row: WorkerRow = { workerId, process: "api-0", incarnation, highestTimeMs };
  return { kind: "worker", key: String(workerId), row };
};
const entry = (i: number, epoch: number): Change => {
  const row: EntryRow = { range: { i, n: 2 }, host: `guild-${i}`, address: `guild-${i}:1`, epoch, incarnation: "a" };
  return { kind: "entry", key: `${i}/2`, row };
};
const version = (number: number): Change => ({ kind: "map", key: "", row: { version: number } });

/** What every coordinator store does. `open` opens the same state again after the store it gave was disposed, or beside it. */
export function coordinatorStoreContract(open: () => Promise<CoordinatorStore>): void {
  const rowsNow = async () => {
    await using store = await open();
    return (await store.claim()).rows;
  };

  test("is empty, of generation 0, before anything was claimed or saved", async () => {
    await using store = await open();
    expect(await store.generation()).toBe(0);
    expect(await store.claim()).toEqual({ generation: 1, rows: [] });
    expect(await store.generation()).toBe(1);
  });

  test("keeps rows by kind and key, the last one saved, over a restart", async () => {
    {
      await using store = await open();
      const { generation } = await store.claim();
      await store.save({ expected: generation, changes: [worker(0, "a"), worker(7, "b", 1_760_000_000_123)] });
      await store.save({ expected: generation, changes: [worker(0, "c", 5), entry(0, 1), version(1)] });
    }
    expect(await rowsNow()).toEqual([entry(0, 1), version(1), worker(0, "c", 5), worker(7, "b", 1_760_000_000_123)]);
  });

  test("forgets rows that are no more", async () => {
    {
      await using store = await open();
      const { generation } = await store.claim();
      await store.save({ expected: generation, changes: [entry(0, 1), entry(1, 1)] });
      await store.save({ expected: generation, changes: [{ kind: "entry", key: "0/2", row: undefined }, version(2)] });
    }
    expect(await rowsNow()).toEqual([entry(1, 1), version(2)]);
  });

  test("raises the generation at each claim, and lets only the last claimer save", async () => {
    await using first = await open();
    const before = await first.claim();
    await first.save({ expected: before.generation, changes: [worker(0, "a")] });
    await using second = await open();
    const after = await second.claim();
    expect(after.generation).toBeGreaterThan(before.generation);
    expect(after.rows).toEqual([worker(0, "a")]);
    expect(await first.generation()).toBe(after.generation);

    const late = first.save({ expected: before.generation, changes: [worker(0, "late"), worker(1, "late")] });
    await expect(late).rejects.toMatchObject({ code: "FENCED" });
    await second.save({ expected: after.generation, changes: [worker(2, "b")] });
    expect(await rowsNow()).toEqual([worker(0, "a"), worker(2, "b")]);
  });

  test("lets nobody save who has not claimed", async () => {
    await using store = await open();
    await expect(store.save({ expected: 0, changes: [worker(0, "a")] })).rejects.toMatchObject({ code: "FENCED" });
  });
}
