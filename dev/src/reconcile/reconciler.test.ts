import { apiVersion, validateShardSet } from "@guildhall/operator/api";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeOperations } from "./operations.ts";
import { makeReconciler, type ReconcilerOptions } from "./reconciler.ts";

const metadata = { name: "main" };
const document = validateShardSet({ apiVersion, kind: "ShardSet", metadata, spec: { shards: 4 } });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A reconciler of nothing but shards, and a coordinator that answers when it is let. */
function setUp() {
  const told: number[] = [];
  const answers: (() => void)[] = [];
  const client = {
    call: (_: string, { spec }: { spec: { shards: number } }) => {
      told.push(spec.shards);
      return new Promise((resolve) => answers.push(() => resolve({ removableHosts: [], reshard: undefined })));
    },
  };
  const { timers } = makeManualTime();
  const reconciler = makeReconciler({
    ...{ document, timers, operations: makeOperations(), steward: {}, output: { say() {} } },
    crew: { planned: [], seen: () => [] },
    coordinator: async () => client,
  } as unknown as ReconcilerOptions);
  return { reconciler, told, answers };
}

test("what the tool changes is told by nobody else meanwhile, and not undone by what was on its way", async () => {
  const { reconciler, told, answers } = setUp();
  reconciler.begin();
  await settle();
  expect(told).toEqual([4]);
  const driven = Promise.withResolvers<void>();
  let hasBegun = false;
  const done = reconciler.alone(async () => {
    hasBegun = true;
    await driven.promise;
    reconciler.setShards(8);
  });
  await settle();
  expect(hasBegun).toBe(false);
  answers.shift()?.();
  await settle();
  expect([hasBegun, told]).toEqual([true, [4]]);
  reconciler.setPaused(true);
  await settle();
  expect(told).toEqual([4]);
  driven.resolve();
  await done;
  await settle();
  expect(told).toEqual([4, 8]);
  answers.shift()?.();
  await reconciler[Symbol.asyncDispose]();
});
