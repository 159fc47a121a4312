import { expect, test } from "@jest/globals";
import { TraceRing } from "./trace-ring.ts";

const at = (us: number, dispatches = 1) => ({ receivedUs: us, dispatchedUs: us + 5, dispatches });

test("finds what it was given, by topic and seq", () => {
  const ring = new TraceRing(4, 1_000);
  ring.add(1n, 7, at(100, 3));
  ring.add(2n, 7, at(110, 0));
  expect(ring.find(1n, 7, 120)).toEqual({ receivedUs: 100, dispatchedUs: 105, dispatches: 3 });
  expect(ring.find(2n, 7, 120)).toEqual({ receivedUs: 110, dispatchedUs: 115, dispatches: 0 });
  expect(ring.find(1n, 8, 120)).toBeUndefined();
  expect(ring.find(0n, 0, 120)).toBeUndefined();
});

test("forgets the oldest when it is full, and what is too old", () => {
  const ring = new TraceRing(2, 1_000);
  for (const seq of [1, 2, 3]) ring.add(1n, seq, at(seq * 100));
  expect(ring.find(1n, 1, 300)).toBeUndefined();
  expect(ring.find(1n, 2, 300)).toMatchObject({ receivedUs: 200 });
  expect(ring.find(1n, 2, 1_201)).toBeUndefined();
  expect(ring.find(1n, 3, 1_201)).toMatchObject({ receivedUs: 300 });
});
