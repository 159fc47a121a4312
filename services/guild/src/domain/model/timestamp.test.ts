import { expect, test } from "@jest/globals";
import { isoOf } from "./timestamp.ts";

test("times are written as Date writes them, with six digits and an offset", () => {
  const times = [0, 951_782_400_000, 951_868_799_999, 1_709_164_800_123, 1_735_689_599_999, 4_102_444_800_000];
  for (const ms of times) expect(isoOf(ms)).toBe(new Date(ms).toISOString().replace("Z", "000+00:00"));
});
