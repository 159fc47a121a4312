import { GuildhallError } from "@guildhall/errors";
import { apiVersion, validateShardSet } from "@guildhall/operator/api";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeOperations } from "./operations.ts";
import { makeReconciler, type ReconcilerOptions } from "./reconciler.ts";

const metadata = { name: "main" };
const document = validateShardSet({ apiVersion, kind: "ShardSet", metadata, spec: { shards: 4 } });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

type Call = (method: string, request: { readonly spec?: { readonly shards: number } }) => Promise<unknown>;

/** A reconciler of nothing but shards, and what it says. */
function reconcile(call: Call) {
  const said: string[] = [];
  const { timers } = makeManualTime();
  const reconciler = makeReconciler({
    ...{ document, timers, operations: makeOperations(), steward: {} },
    output: { say: (line: string) => void said.push(line) },
    crew: { planned: [], seen: () => [] },
    coordinator: async () => ({ call }),
  } as unknown as ReconcilerOptions);
  return { reconciler, said };
}

/** With a coordinator that answers when it is let. */
function setUp() {
  const told: (number | undefined)[] = [];
  const answers: (() => void)[] = [];
  const { reconciler } = reconcile((_, { spec }) => {
    told.push(spec?.shards);
    return new Promise((resolve) => answers.push(() => resolve({ removableHosts: [], reshard: undefined })));
  });
  return { reconciler, told, answers };
}

/** With one where `serving` shards serve, which takes their number and its double. */
function setUpServing(fleet: { serving: number }) {
  const told: (number | undefined)[] = [];
  const { reconciler, said } = reconcile(async (method, { spec }) => {
    const reshard = { phase: "", serving: fleet.serving };
    if (method === "describeFleet") return { reshard };
    told.push(spec?.shards);
    if (spec?.shards === fleet.serving || spec?.shards === 2 * fleet.serving) return { removableHosts: [], reshard };
    throw new GuildhallError("BAD_SPEC", `spec.shards: not ${spec?.shards}`);
  });
  return { reconciler, said, told };
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

test("a doubling that nobody has looked at meanwhile is no reason to tell, or say, anything wrong", async () => {
  const fleet = { serving: 4 };
  const { reconciler, said, told } = setUpServing(fleet);
  reconciler.begin();
  await settle();
  fleet.serving = 8;
  reconciler.setShards(16);
  await settle();
  expect(told).toEqual([4, 4, 16]);
  expect(said).toEqual([]);
  await reconciler[Symbol.asyncDispose]();
});

test("what is refused for good is told once a look, and said once", async () => {
  const { reconciler, said, told } = setUpServing({ serving: 8 });
  reconciler.begin();
  await settle();
  // The document has 4: as many as serve are told from the moment that this is known.
  expect(told).toEqual([4, 8]);
  reconciler.setShards(4);
  await settle();
  expect(told).toEqual([4, 8, 8]);
  expect(said).toEqual(["spec.shards is 4, but 8 shards serve, and they stay: write 8 there, or 16 to double them"]);
  await reconciler[Symbol.asyncDispose]();
});

test("what is refused because the tool is just changing it is not said either", async () => {
  const fleet = { serving: 4 };
  const { reconciler, said, told } = setUpServing(fleet);
  reconciler.begin();
  await settle();
  fleet.serving = 8;
  reconciler.setPaused(true);
  await reconciler.alone(async () => reconciler.setShards(16));
  await settle();
  expect(told).toEqual([4, 4, 16]);
  expect(said).toEqual([]);
  await reconciler[Symbol.asyncDispose]();
});
