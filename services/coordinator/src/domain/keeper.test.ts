import { GuildhallError } from "@guildhall/errors";
import { expect, test } from "@jest/globals";
import { makeMemoryCoordinatorStore } from "../store/coordinator-store-memory.ts";
import { createKeeper } from "./keeper.ts";
import type { Change } from "./kept.ts";

const host = (name: string) => ({ name, incarnation: "", replaced: [] });

async function start(store = makeMemoryCoordinatorStore()) {
  const saved: string[][] = [];
  const deposed: string[] = [];
  const keeper = await createKeeper(store, {
    beforeSave() {},
    afterSave: (changes: readonly Change[]) => saved.push(changes.map(({ kind, key }) => `${kind} ${key}`)),
    onDeposed: ({ message }) => deposed.push(message),
  });
  return { store, keeper, saved, deposed };
}

test("shows a row at once, and says that it is saved only once it is", async () => {
  const { keeper, saved } = await start();
  keeper.put("host", "a", host("a"));
  expect([keeper.get("host", "a"), keeper.isSaved("host", "a")]).toEqual([host("a"), false]);
  const settled = keeper.settle();
  keeper.put("host", "b", host("b"));
  await settled;
  expect([keeper.isSaved("host", "a"), keeper.isSaved("host", "b")]).toEqual([true, true]);
  expect(saved.flat()).toEqual(["host a", "host b"]);
  keeper.drop("host", "a");
  keeper.drop("host", "never there");
  await keeper.settle();
  expect(saved.at(-1)).toEqual(["host a"]);
});

test("keeps what changed while a write was under way, and what could not be written, for the next", async () => {
  const { store, keeper } = await start();
  const { save } = store;
  store.save = () => Promise.reject(new GuildhallError("INTERNAL", "disk full"));
  keeper.put("host", "a", host("a"));
  await expect(keeper.settle()).rejects.toThrow("disk full");
  expect(keeper.isSaved("host", "a")).toBe(false);
  const gate = Promise.withResolvers<void>();
  store.save = async (changes) => {
    await gate.promise;
    await save(changes);
  };
  const settled = keeper.settle();
  await Promise.resolve();
  keeper.put("host", "a", { ...host("a"), incarnation: "later" });
  gate.resolve();
  await settled;
  const { rows } = await store.claim();
  expect(rows).toEqual([{ kind: "host", key: "a", row: { ...host("a"), incarnation: "later" } }]);
});

test("writes decisions along with what else is written, or when they are flushed", async () => {
  const { keeper, saved } = await start();
  const decision = { number: 1, atMs: 0, lastMs: 0, times: 1, subject: "s", action: "a", reason: "r" };
  keeper.put("decision", "1", decision);
  await keeper.settle();
  expect(saved).toEqual([]);
  keeper.put("host", "a", host("a"));
  await keeper.settle();
  expect(saved).toEqual([["decision 1", "host a"]]);
  keeper.put("decision", "2", { ...decision, number: 2 });
  await keeper.flush();
  expect(saved.at(-1)).toEqual(["decision 2"]);
});

test("is deposed by the first save or question after another has claimed the state, for good", async () => {
  const { store, keeper, deposed, saved } = await start();
  await keeper.confirm();
  await start(store);
  keeper.put("host", "a", host("a"));
  await expect(keeper.settle()).rejects.toMatchObject({ code: "FENCED" });
  await expect(keeper.confirm()).rejects.toMatchObject({ code: "FENCED" });
  expect([keeper.deposed, deposed.length, saved.length]).toEqual([true, 1, 0]);
});

test("confirms by a reading that began after it was asked", async () => {
  const { store, keeper } = await start();
  const { generation } = store;
  const gate = Promise.withResolvers<void>();
  let readings = 0;
  store.generation = async () => {
    const current = await generation();
    readings += 1;
    if (readings === 1) await gate.promise;
    return current;
  };
  const early = keeper.confirm();
  await Promise.resolve();
  await store.claim();
  const late = keeper.confirm();
  gate.resolve();
  await early;
  await expect(late).rejects.toMatchObject({ code: "FENCED" });
});
