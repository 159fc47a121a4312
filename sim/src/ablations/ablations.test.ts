import { describe, expect, test } from "@jest/globals";
import { playAblation } from "./ablation.ts";
import { ablations } from "./index.ts";

const seeds = Array.from({ length: 5 }, (_, k) => k + 1);

describe.each(ablations)("$name", (ablation) => {
  test("with everything protected, or by one of several that do the same, the schedule comes out well", async () => {
    for (const off of [{}, ...(ablation.each ?? [])]) {
      for (const seed of seeds) expect(await playAblation(ablation, seed, off)).toEqual([]);
    }
  });

  test(`without it the check of "${ablation.finds}" fails`, async () => {
    for (const seed of seeds) {
      const violations = await playAblation(ablation, seed, ablation.off);
      expect(violations.map(({ check }) => check)).toContain(ablation.finds);
    }
  });
});
