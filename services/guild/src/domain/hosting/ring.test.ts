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

test("holds what it should after very many events of few topics", () => {
  const ring = makeRing({ maxBytes: 1_000, maxAgeMs: 1_000, monotonicMs: () => 0 });
  const bytes = Buffer.alloc(10);
  for (let seq = 1n; seq <= 5_000n; seq++) {
    ring.add(1n, seq, bytes);
    if (seq % 10n === 0n) ring.add(2n, seq / 10n, bytes);
  }
  expect(ring.sizeBytes).toBe(1_000);
  expect(ring.read(1n, 4_911n, 5_000n)).toHaveLength(90);
  expect(ring.read(1n, 4_909n, 5_000n)).toBeUndefined();
  expect(ring.read(2n, 492n, 500n)).toHaveLength(9);
});

test("is split with all its events, in two that go on by themselves", () => {
  let now = 0;
  const ring = makeRing({ maxBytes: 100, maxAgeMs: 1_000, monotonicMs: () => now });
  for (let seq = 1n; seq <= 4n; seq++) {
    ring.add(seq % 2n, (seq + 1n) / 2n, Buffer.alloc(10));
    now += 100;
  }
  const [low, high] = ring.split((topic) => topic === 0n);
  expect([ring.sizeBytes, low.sizeBytes, high.sizeBytes]).toEqual([0, 20, 20]);
  expect([low.read(0n, 1n, 2n)?.length, low.read(1n, 1n, 1n), high.read(1n, 1n, 2n)?.length]).toEqual([
    2,
    undefined,
    2,
  ]);
  now = 1_050;
  high.add(1n, 3n, Buffer.alloc(10));
  expect([high.read(1n, 1n, 3n), high.read(1n, 2n, 3n)?.length, low.read(0n, 1n, 2n)?.length]).toEqual([
    undefined,
    2,
    2,
  ]);
});
