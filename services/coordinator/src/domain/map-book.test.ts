import { expect, test } from "@jest/globals";
import { makeMemoryCoordinatorStore } from "../store/coordinator-store-memory.ts";
import { createKeeper } from "./keeper.ts";
import type { EntryRow } from "./kept.ts";
import { type MapBook, makeMapBook } from "./map-book.ts";

const entry = (i: number, n: number, epoch: number): EntryRow => ({
  range: { i, n },
  host: "a",
  address: "a:1",
  epoch,
  incarnation: "a1",
});

async function start(store = makeMemoryCoordinatorStore()) {
  let map: MapBook | undefined;
  const keeper = await createKeeper(store, {
    beforeSave: (changes) => map?.beforeSave(changes),
    afterSave: (changes) => void map?.afterSave(changes),
    onDeposed() {},
  });
  const made = makeMapBook(keeper);
  map = made;
  const put = (...rows: EntryRow[]): void => {
    for (const row of rows) keeper.put("entry", `${row.range.i}/${row.range.n}`, row);
  };
  return { store, keeper, map: made, put };
}

test("rises by one with each write that changes entries, and with no other", async () => {
  const { keeper, map, put } = await start();
  expect([map.version, map.since(0)]).toEqual([0, undefined]);
  put(entry(0, 2, 1), entry(1, 2, 1));
  expect(map.version).toBe(0);
  await keeper.settle();
  expect(map.version).toBe(1);
  keeper.put("host", "a", { name: "a", incarnation: "", replaced: [] });
  await keeper.settle();
  expect(map.version).toBe(1);
});

test("tells what changed over several versions as one change, and all of it to who knows nothing or the future", async () => {
  const { keeper, map, put } = await start();
  put(entry(0, 2, 1), entry(1, 2, 1));
  await keeper.settle();
  put(entry(1, 2, 2));
  await keeper.settle();
  keeper.drop("entry", "0/2");
  put(entry(0, 4, 2), entry(2, 4, 2));
  await keeper.settle();
  expect(map.since(3)).toBeUndefined();
  const change = { version: 3, fromVersion: 1, entries: [entry(1, 2, 2), entry(0, 4, 2), entry(2, 4, 2)] };
  expect(map.since(1)).toEqual({ ...change, removed: [{ i: 0, n: 2 }] });
  for (const version of [0, 9]) expect(map.since(version)).toEqual({ ...change, fromVersion: 0, removed: [] });
});

test("goes on with the version over a restart", async () => {
  const { store, keeper, put } = await start();
  put(entry(0, 1, 1));
  await keeper.settle();
  const later = await start(store);
  expect(later.map.version).toBe(1);
  later.put(entry(0, 1, 2));
  await later.keeper.settle();
  expect(later.map.since(1)).toMatchObject({ version: 2, fromVersion: 1, removed: [] });
});
