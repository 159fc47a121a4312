import { expect, test } from "@jest/globals";
import { longestPauseMs } from "./pause.ts";

const times = Float64Array.from([0, 100, 200, 1_200, 1_300, 4_300, 4_400]);

test("a pause belongs to what went on when it began", () => {
  expect(longestPauseMs(times, 250, 1_300)).toBe(1_000);
  expect(longestPauseMs(times, 1_250, 2_000)).toBe(3_000);
  expect(longestPauseMs(times, 4_350, 9_000)).toBe(100);
  expect(longestPauseMs(Float64Array.of(), 0, 1)).toBe(0);
});
