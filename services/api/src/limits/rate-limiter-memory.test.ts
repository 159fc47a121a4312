import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { rateLimiterContract } from "./rate-limiter.contract.ts";
import { makeMemoryRateLimiter } from "./rate-limiter-memory.ts";

rateLimiterContract("the rate limiter in memory", ({ clock }) =>
  makeMemoryRateLimiter({ nowMs: clock.nowMs, maxKeys: 10 }),
);

test("keeps no more windows than it may, and tells of those it had to forget", async () => {
  const { clock } = makeManualTime();
  let forgotten = 0;
  await using limiter = makeMemoryRateLimiter({ nowMs: clock.nowMs, maxKeys: 10, onForgotten: () => forgotten++ });
  for (let n = 0; n < 100; n++) await limiter.take(`key ${n}`, { limit: 1, windowMs: 1000 });
  expect(forgotten).toBe(90);
  expect(await limiter.take("key 99", { limit: 1, windowMs: 1000 })).toMatchObject({ allowed: false });
});
