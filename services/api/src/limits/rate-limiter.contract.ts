import { type ManualTime, makeManualTime } from "@guildhall/testing";
import { describe, expect, test } from "@jest/globals";
import type { RateLimiter } from "./rate-limiter.ts";

/** Makes the adapter under test, on the time given. */
export type MakeRateLimiter = (time: ManualTime) => RateLimiter;

const three = { limit: 3, windowMs: 1000 };

/** What every rate limiter does. */
export function rateLimiterContract(name: string, make: MakeRateLimiter): void {
  describe(name, () => {
    test("allows as many as the limit, then refuses until the window has ended", async () => {
      const time = makeManualTime();
      await using limiter = make(time);
      const outcomes: boolean[] = [];
      for (let n = 0; n < 5; n++) outcomes.push((await limiter.take("a", three)).allowed);
      expect(outcomes).toEqual([true, true, true, false, false]);
      time.advance(999);
      expect((await limiter.take("a", three)).allowed).toBe(false);
      time.advance(1);
      expect((await limiter.take("a", three)).allowed).toBe(true);
    });

    test("says what remains and when the window ends", async () => {
      const time = makeManualTime();
      const resetAtMs = time.clock.nowMs() + 1000;
      await using limiter = make(time);
      expect(await limiter.take("a", three)).toEqual({ allowed: true, remaining: 2, resetAtMs });
      time.advance(400);
      expect(await limiter.take("a", three)).toEqual({ allowed: true, remaining: 1, resetAtMs });
      expect(await limiter.take("a", three)).toEqual({ allowed: true, remaining: 0, resetAtMs });
      expect(await limiter.take("a", three)).toEqual({ allowed: false, remaining: 0, resetAtMs });
    });

    test("counts each key by itself", async () => {
      await using limiter = make(makeManualTime());
      for (let n = 0; n < 3; n++) await limiter.take("a", three);
      expect((await limiter.take("a", three)).allowed).toBe(false);
      expect((await limiter.take("b", three)).allowed).toBe(true);
    });

    test("a cost of 0 asks without taking", async () => {
      await using limiter = make(makeManualTime());
      expect(await limiter.take("a", three, 0)).toMatchObject({ allowed: true, remaining: 3 });
      await limiter.take("a", three, 3);
      expect(await limiter.take("a", three, 0)).toMatchObject({ allowed: false, remaining: 0 });
    });

    test("what is refused takes nothing", async () => {
      await using limiter = make(makeManualTime());
      await limiter.take("a", three, 2);
      expect((await limiter.take("a", three, 2)).allowed).toBe(false);
      expect(await limiter.take("a", three)).toMatchObject({ allowed: true, remaining: 0 });
    });
  });
}
