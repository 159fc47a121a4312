import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Turns } from "./turns.ts";

test("each item comes up about once in a period, never twice in a row, whatever the tick", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 40 }), (count, ticks) => {
      const items = Array.from({ length: count }, (_, place) => place);
      const turns = new Turns(
        () => items,
        () => items.length,
      );
      const seen: number[] = [];
      for (let tick = 0; tick < ticks * 3; tick++) seen.push(...turns.next(1, ticks));
      expect(seen).toEqual(seen.map((_, place) => place % count));
      expect(seen.length).toBeGreaterThanOrEqual(count * 3 - 1);
      expect(seen.length).toBeLessThanOrEqual(count * 3);
    }),
  );
});

test("a collection that is empty, or smaller than was said, costs nothing", () => {
  const empty = new Turns<number>(
    () => [],
    () => 5,
  );
  expect([...empty.next(10, 1)]).toEqual([]);
  expect([...empty.next(10, 1)]).toEqual([]);
});
