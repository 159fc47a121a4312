import { expect, test } from "@jest/globals";
import { Admission } from "./admission.ts";
import { IdentifyLimit } from "./identify-limit.ts";
import { RateWindow } from "./rate-window.ts";
import { Sources } from "./sources.ts";

test("admission lets so many run, others wait in order, and more are refused", async () => {
  const admission = new Admission({ maxRunning: 2, maxWaiting: 2 });
  expect(await Promise.all([admission.enter(), admission.enter()])).toEqual([true, true]);
  const order: number[] = [];
  const waiting = [1, 2].map(async (place) => {
    expect(await admission.enter()).toBe(true);
    order.push(place);
  });
  expect(admission.waiting).toBe(2);
  expect(await admission.enter()).toBe(false);
  admission.leave();
  admission.leave();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2]);
});

test("an account may identify once in its time", () => {
  const limit = new IdentifyLimit(5_000);
  expect(limit.take(1n, 0)).toBe(0);
  expect(limit.take(2n, 0)).toBe(0);
  expect(limit.take(1n, 1_000)).toBe(4_000);
  expect(limit.take(1n, 5_000)).toBe(0);
  expect(limit.take(1n, 6_000)).toBe(4_000);
});

test("a window counts from its first event", () => {
  const window = new RateWindow();
  expect([0, 10, 59_999].map((ms) => window.add(ms, 60_000))).toEqual([1, 2, 3]);
  expect(window.add(60_000, 60_000)).toBe(1);
});

test("sources: a missing beat, the first beat and silence are noticed", () => {
  const sources = new Sources({ silentMs: 1_000, forgetMs: 60_000 });
  expect(sources.isAllSilent(0)).toBe(true);
  expect(sources.beat("a", 5n, 0)).toBe(true);
  expect(sources.beat("a", 6n, 250)).toBe(false);
  expect(sources.beat("a", 8n, 500)).toBe(true);
  expect(sources.isAllSilent(1_000)).toBe(false);
  expect(sources.silent(1_400)).toEqual([]);
  expect(sources.silent(1_600)).toEqual(["a"]);
  expect(sources.silent(1_700)).toEqual([]);
  expect(sources.silent(2_700)).toEqual(["a"]);
  expect(sources.silent(100_000)).toEqual([]);
});
