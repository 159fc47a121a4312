import { describe, expect, test } from "@jest/globals";
import { playAblation } from "./ablation.ts";
import { ablations } from "./index.ts";

const seeds = Array.from({ length: 8 }, (_, k) => k + 1);

describe.each(ablations)("$name", (ablation) => {
  test("with everything protected the schedule comes out well", async () => {
    for (const seed of seeds) expect(await playAblation(ablation, seed, {})).toEqual([]);
  });

  test(`without it the check of "${ablation.finds}" fails`, async () => {
    for (const seed of seeds) {
      const violations = await playAblation(ablation, seed, ablation.off);
      expect(violations.map(({ check }) => check)).toContain(ablation.finds);
    }
  });
});
