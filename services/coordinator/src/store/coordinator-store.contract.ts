import type { MapEntry } from "@guildhall/slots";
import { expect, test } from "@jest/globals";
import type { WorkerRow } from "../domain/worker-leases.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";

const worker = (workerId: number, incarnation: string, highestTimeMs = 0): WorkerRow => ({
  workerId,
  process: "api-0",
  incarnation,
  highestTimeMs,
});
const entry = (i: number, epoch: number): MapEntry => ({
  range: { i, n: 2 },
  host: `guild-${i}`,
  address: `guild-${i}:1`,
  epoch,
  incarnation: "a",
});

/** What every coordinator store does. `open` opens the same state again after the store it gave was disposed. */
export function coordinatorStoreContract(open: () => Promise<CoordinatorStore>): void {
  const read = async () => {
    await using store = await open();
    return store.load();
  };

  test("is empty, with map version 0, before anything was saved", async () => {
    expect(await read()).toEqual({ workers: [], map: { version: 0, entries: [] } });
  });

  test("keeps worker rows by id, the last one saved, over a restart", async () => {
    {
      await using store = await open();
      await store.save({ workers: [worker(0, "a"), worker(7, "b", 1_760_000_000_123)] });
      await store.save({ workers: [worker(0, "c", 5)] });
    }
    expect((await read()).workers).toEqual([worker(0, "c", 5), worker(7, "b", 1_760_000_000_123)]);
  });

  test("keeps the map with the highest version over a restart", async () => {
    const map = { version: 3, entries: [entry(0, 2), entry(1, 1)] };
    {
      await using store = await open();
      await store.save({ map });
      await store.save({ map: { version: 2, entries: [] }, workers: [worker(1, "d")] });
    }
    const state = await read();
    expect(state.map).toEqual(map);
    expect(state.workers).toContainEqual(worker(1, "d"));
  });
}
