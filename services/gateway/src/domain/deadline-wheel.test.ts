import { expect, test } from "@jest/globals";
import { DeadlineWheel } from "./deadline-wheel.ts";

test("things are looked at when their deadline has come, and again when it has moved", () => {
  const wheel = new DeadlineWheel<{ deadlineMs: number; foundMs: number }>(250, 16, 10_000);
  const things = [100, 250, 900, 3_000, 20_000].map((ms) => ({ deadlineMs: 10_000 + ms, foundMs: 0 }));
  for (const thing of things) wheel.add(thing, thing.deadlineMs);
  const moved = things[2] as (typeof things)[number];
  moved.deadlineMs = 12_345;
  for (let nowMs = 10_000; nowMs <= 35_000; nowMs += 100) {
    wheel.turn(nowMs, (thing) => {
      if (thing.deadlineMs > nowMs) return thing.deadlineMs;
      expect(thing.foundMs).toBe(0);
      thing.foundMs = nowMs;
      return undefined;
    });
  }
  for (const { deadlineMs, foundMs } of things) {
    expect(foundMs).toBeGreaterThanOrEqual(deadlineMs);
    expect(foundMs).toBeLessThanOrEqual(deadlineMs + 600);
  }
});
