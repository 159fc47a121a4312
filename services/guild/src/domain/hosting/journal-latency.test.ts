import { expect, test } from "@jest/globals";
import { makeJournalLatency } from "./journal-latency.ts";

test("tells what nearly all answers of the last 10 s took", () => {
  let now = 0;
  const latency = makeJournalLatency({ monotonicMs: () => now });
  expect(latency.p99Ms()).toBe(0);
  for (let count = 1; count <= 200; count++) latency.note(count <= 3 ? 500 : 5);
  expect(latency.p99Ms()).toBe(500);
  now = 5_000;
  for (let count = 1; count <= 300; count++) latency.note(6);
  expect(latency.p99Ms()).toBe(6);
  now = 10_001;
  expect(latency.p99Ms()).toBe(6);
  now = 15_001;
  expect(latency.p99Ms()).toBe(0);
});

test("one slow answer among few says nothing", () => {
  const latency = makeJournalLatency({ monotonicMs: () => 0 });
  latency.note(50);
  expect(latency.p99Ms()).toBe(50);
  latency.note(2);
  expect(latency.p99Ms()).toBe(2);
  latency.note(40);
  expect(latency.p99Ms()).toBe(40);
});

test("looks at the newest answers when there are very many", () => {
  const latency = makeJournalLatency({ monotonicMs: () => 0 });
  for (let count = 0; count < 4_096; count++) latency.note(100);
  for (let count = 0; count < 4_096; count++) latency.note(1);
  expect(latency.p99Ms()).toBe(1);
});
