import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeTraceRing } from "./trace-ring.ts";

function setUp(max = 10) {
  const { clock, advance } = makeManualTime();
  advance(1_000);
  const ring = makeTraceRing({ clock, process: "guild-0", max });
  return { clock, advance, ring };
}

test("tells when a message was received, decided, journaled, published and stored, and what moves it met", () => {
  const { clock, advance, ring } = setUp();
  const startUs = clock.nowUs();
  const receivedMs = clock.monotonicMs();
  advance(1);
  const number = ring.begin(77n, 4_194_304n, 5n, receivedMs);
  advance(2);
  ring.journaled(number);
  ring.published(number);
  advance(30);
  ring.stored(4_194_304n, 4n);
  ring.stored(9n, 8n);
  advance(30);
  ring.stored(4_194_304n, 6n);
  advance(30);
  ring.stored(4_194_304n, 9n);
  const { monotonicMs } = clock;
  ring.handedOver({
    range: { i: 1, n: 2 },
    sinceMs: monotonicMs(),
    untilMs: monotonicMs() + 40,
    detail: "move m: done",
  });
  ring.handedOver({
    range: { i: 0, n: 2 },
    sinceMs: monotonicMs(),
    untilMs: monotonicMs(),
    detail: "of another shard",
  });
  advance(100_000);
  const { topic, seq, steps } = ring.find(77n);
  expect([topic, seq]).toEqual([4_194_304n, 5n]);
  expect(steps.map(({ atUs, what }) => [Number(atUs - startUs) / 1_000, what])).toEqual([
    [0, "received"],
    [1, "decided"],
    [3, "journaled"],
    [3, "published"],
    [63, "stored"],
    [93, "sealed"],
    [133, "unsealed"],
  ]);
  expect(steps.every(({ process }) => process === "guild-0")).toBe(true);
});

test("knows nothing of what was never decided here, or long ago", () => {
  const { advance, ring } = setUp();
  ring.begin(77n, 1n, 5n, 0);
  expect(ring.find(78n)).toEqual({ topic: 0n, seq: 0n, steps: [] });
  advance(600_001);
  expect(ring.find(77n).steps).toEqual([]);
});

test("keeps the newest messages, and notes nothing of one that has gone", () => {
  const { ring } = setUp(4_096);
  const first = ring.begin(1n, 1n, 1n, 1);
  for (let id = 2n; id <= 4_097n; id++) ring.begin(id, 1n, id, 1);
  ring.journaled(first);
  expect(ring.find(1n).steps).toEqual([]);
  expect(ring.find(4_097n).steps.map(({ what }) => what)).toEqual(["received", "decided"]);
  expect(ring.find(2n).steps).toHaveLength(2);
});
