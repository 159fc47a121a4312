import { expect, test } from "@jest/globals";
import { makeFenceCheck } from "./fence-check.ts";
import { allHostGuards } from "./host-guards.ts";

function setUp() {
  let now = 0;
  const checks: PromiseWithResolvers<void>[] = [];
  const check = () => {
    const started = Promise.withResolvers<void>();
    checks.push(started);
    return started.promise;
  };
  const fence = makeFenceCheck({ monotonicMs: () => now, check, guards: allHostGuards });
  const pass = (ms: number) => {
    now += ms;
  };
  return { fence, checks, pass };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a lease counts for three quarters of its time from when the renewal was sent", async () => {
  const { fence, checks, pass } = setUp();
  fence.renewed(0, 4_000);
  checks.shift()?.resolve();
  await settled();
  pass(2_000);
  fence.renewed(2_000, 4_000);
  pass(2_999);
  expect([fence.confirm(), checks.length]).toEqual([undefined, 0]);
  pass(1);
  expect(fence.confirm()).toBeInstanceOf(Promise);
  expect(checks.length).toBe(1);
});

test("a renewal after a lapse counts only once the journal has been looked at", async () => {
  const { fence, checks, pass } = setUp();
  fence.renewed(0, 4_000);
  checks.shift()?.resolve();
  await settled();
  pass(3_500);
  fence.renewed(3_400, 4_000);
  expect(fence.confirm()).toBeInstanceOf(Promise);
  checks.shift()?.resolve();
  await settled();
  checks.shift()?.resolve();
  await settled();
  expect(fence.confirm()).toBeUndefined();
});

test("who comes during a check waits for the next one, together", async () => {
  const { fence, checks } = setUp();
  const first = fence.confirm();
  const second = fence.confirm();
  const third = fence.confirm();
  expect(third).toBe(second);
  expect(checks.length).toBe(1);
  checks[0]?.resolve();
  await first;
  await Promise.resolve();
  await Promise.resolve();
  expect(checks.length).toBe(2);
  checks[1]?.resolve();
  await second;
});

test("a failed check fails those it was for, not those after", async () => {
  const { fence, checks } = setUp();
  const first = fence.confirm();
  const second = fence.confirm();
  checks[0]?.reject(new Error("journal away"));
  await expect(first).rejects.toThrow("journal away");
  await Promise.resolve();
  await Promise.resolve();
  checks[1]?.resolve();
  await second;
});
