import { expect, test } from "@jest/globals";
import { makeBackoff } from "./backoff.ts";

test("waits twice as long each time, up to 5 s", () => {
  const backoff = makeBackoff();
  expect([0, 0, 0, 0, 0, 0, 0, 0].map((upMs) => backoff.next(upMs))).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
});

test("begins again after a process that ran for 30 s", () => {
  const backoff = makeBackoff();
  expect([0, 29_999, 30_000, 0].map((upMs) => backoff.next(upMs))).toEqual([100, 200, 100, 200]);
});
