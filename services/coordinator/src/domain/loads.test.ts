import { expect, test } from "@jest/globals";
import type { ShardLoad } from "./hosts.ts";
import { makeLoads, weigh } from "./loads.ts";

const load = (change: Partial<ShardLoad> = {}): ShardLoad => ({
  openTopics: 1,
  commandsPerS: 0,
  bytesPerS: 0,
  cpuShare: 0,
  memoryBytes: 0,
  lowPart: 0.5,
  busiestTopic: 0n,
  busiestPart: 0,
  ...change,
});

test("means over a window by how long each word of the host was about, then smooths over windows", () => {
  const loads = makeLoads();
  loads.note("0/2", load({ bytesPerS: 100 }), 1, 900);
  loads.note("0/2", load({ bytesPerS: 1_000 }), 1, 100);
  expect(loads.of("0/2")).toBeUndefined();
  loads.roll(() => true);
  expect(loads.of("0/2")).toMatchObject({ bytesPerS: 190, windows: 1 });
  loads.note("0/2", load({ bytesPerS: 490 }), 1, 1_000);
  loads.roll(() => true);
  expect(loads.of("0/2")).toMatchObject({ bytesPerS: expect.closeTo(290), windows: 2 });
  loads.roll(() => true);
  expect(loads.of("0/2")?.windows).toBe(2);
  loads.roll((key) => key !== "0/2");
  expect(loads.of("0/2")).toBeUndefined();
});

test("counts CPU as the shard's part of what its host uses", () => {
  const loads = makeLoads();
  loads.note("0/2", load({ cpuShare: 0.5 }), 0.8, 1_000);
  loads.roll(() => true);
  expect(loads.of("0/2")?.cpu).toBeCloseTo(0.4);
});

test("gives the halves of a split shard what it took, by the part that each had", () => {
  const loads = makeLoads();
  loads.note("0/2", load({ commandsPerS: 100, bytesPerS: 1_000, lowPart: 0.9 }), 1, 1_000);
  loads.roll(() => true);
  loads.divide("0/2", "0/4", "2/4");
  expect(loads.of("0/2")).toBeUndefined();
  expect([loads.of("0/4")?.bytesPerS, loads.of("2/4")?.bytesPerS]).toEqual([900, expect.closeTo(100)]);
  expect(loads.of("2/4")?.windows).toBe(1);
});

test("weighs by the largest part of CPU, bytes and memory where there is load, and by number where there is none", () => {
  const smooth = (change: Partial<ShardLoad>, cpu: number) => ({ ...load(change), cpu, windows: 5 });
  const busy = weigh(
    new Map([
      ["a", smooth({ bytesPerS: 100_000 }, 0.9)],
      ["b", smooth({ bytesPerS: 900_000 }, 0.1)],
    ]),
    2,
  );
  expect([...busy.values()]).toEqual([expect.closeTo(0.9), expect.closeTo(0.9)]);
  const idle = weigh(
    new Map([
      ["a", smooth({ bytesPerS: 9 }, 0)],
      ["b", undefined],
    ]),
    2,
  );
  expect([...idle.values()]).toEqual([expect.closeTo(0.5, 3), expect.closeTo(0.5, 3)]);
});
