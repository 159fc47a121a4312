import { expect, test } from "@jest/globals";
import { faultKinds, planFaults } from "./fault-plan.ts";

test("a seed gives the same faults each time, another seed others", () => {
  expect(planFaults(1, 50)).toEqual(planFaults(1, 50));
  expect(planFaults(1, 50)).not.toEqual(planFaults(2, 50));
});

test("each kind comes once before any comes again, then as often as is due", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const kinds = planFaults(seed, 40).map(({ kind }) => kind);
    expect(new Set(kinds.slice(0, faultKinds.length)).size).toBe(faultKinds.length);
    const early = kinds.slice(0, 20);
    for (const kind of faultKinds) {
      const least = kind === "doubling" ? 2 : 3;
      expect(early.filter((each) => each === kind).length).toBe(least);
    }
    expect(kinds.filter((kind) => kind === "doubling").length).toBe(2);
  }
});
