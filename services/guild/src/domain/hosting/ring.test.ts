import { expect, test } from "@jest/globals";
import { makeRing } from "./ring.ts";

const event = (size = 10) => Buffer.alloc(size);

test("events are given only when all that is asked for is held", () => {
  const ring = makeRing({ maxBytes: 1_000, maxAgeMs: 1_000, monotonicMs: () => 0 });
  for (let seq = 5n; seq <= 8n; seq++) ring.add(1n, seq, event());
  expect(ring.read(1n, 6n, 8n)?.length).toBe(3);
  expect(ring.read(1n, 4n, 8n)).toBeUndefined();
  expect(ring.read(1n, 6n, 9n)).toBeUndefined();
  expect(ring.read(2n, 1n, 1n)).toBeUndefined();
  ring.add(1n, 10n, event());
  expect(ring.read(1n, 8n, 10n)).toBeUndefined();
});

test("the oldest events of all topics go first, by bytes and by age", () => {
  let now = 0;
  const ring = makeRing({ maxBytes: 30, maxAgeMs: 100, monotonicMs: () => now });
  ring.add(1n, 1n, event());
  ring.add(2n, 1n, event());
  ring.add(1n, 2n, event());
  ring.add(1n, 3n, event());
  expect(ring.read(1n, 1n, 3n)).toBeUndefined();
  expect(ring.read(1n, 2n, 3n)?.length).toBe(2);
  now = 101;
  ring.add(3n, 1n, event());
  expect(ring.sizeBytes).toBe(10);
});
