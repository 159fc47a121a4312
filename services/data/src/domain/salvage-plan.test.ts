import type { EpochRow } from "@guildhall/slots";
import { describe, expect, test } from "@jest/globals";
import { planEpochs, planTopic, type TopicFindings } from "./salvage-plan.ts";

const run = (from: bigint, to: bigint) => ({ from, to });
const plan = (change: Partial<TopicFindings>) =>
  planTopic({ present: [], headSeq: 0n, markedSeq: 0n, appliedSeq: 0n, ...change });

describe("planTopic", () => {
  test("leaves a whole topic as it is", () => {
    expect(plan({ present: [run(1n, 9n)], headSeq: 9n, markedSeq: 9n, appliedSeq: 7n })).toEqual({
      end: 9n,
      keepFrom: 1n,
      lost: [],
      beyond: [],
      needsNewEnd: false,
      headIgnored: false,
    });
    expect(plan({ headSeq: 9n, appliedSeq: 9n })).toMatchObject({ end: 9n, lost: [], needsNewEnd: false });
  });

  test("names what is missing beyond the store, wherever that is told", () => {
    expect(plan({ present: [run(5n, 6n), run(8n, 8n)], headSeq: 9n, markedSeq: 11n, appliedSeq: 4n }).lost).toEqual([
      run(7n, 7n),
      run(9n, 11n),
    ]);
    expect(plan({ headSeq: 3n, appliedSeq: 1n })).toMatchObject({ end: 3n, lost: [run(2n, 3n)], needsNewEnd: false });
    expect(plan({ markedSeq: 2n })).toMatchObject({ end: 2n, lost: [run(1n, 2n)] });
  });

  test("what is missing of what the store has is not lost; what lies before it is of no use", () => {
    const found = plan({ present: [run(2n, 3n), run(6n, 9n)], headSeq: 9n, appliedSeq: 7n });
    expect(found).toMatchObject({ end: 9n, keepFrom: 6n, lost: [] });
    expect(plan({ present: [run(2n, 3n), run(8n, 9n)], headSeq: 9n, appliedSeq: 7n })).toMatchObject({ keepFrom: 8n });
    expect(plan({ present: [run(2n, 3n)], headSeq: 9n, appliedSeq: 9n })).toMatchObject({ keepFrom: 10n, lost: [] });
  });

  test("wants a new end where neither a record nor a head tells it", () => {
    expect(plan({ appliedSeq: 9n })).toMatchObject({ end: 9n, lost: [], needsNewEnd: true });
    expect(plan({ headSeq: 7n, appliedSeq: 9n })).toMatchObject({ end: 9n, needsNewEnd: true });
    expect(plan({ present: [run(8n, 9n)], appliedSeq: 9n })).toMatchObject({ end: 9n, needsNewEnd: false });
    expect(plan({})).toMatchObject({ end: 0n, needsNewEnd: false });
  });

  test("does not believe a head that is far above all else", () => {
    const found = plan({ present: [run(1n, 9n)], headSeq: 1n << 40n, appliedSeq: 3n });
    expect(found).toMatchObject({ end: 9n, lost: [], headIgnored: true });
  });

  test("fills no gap that is too wide to have been lost at once, and says so when the store has not got it either", () => {
    const present = [run(5n, 6n), run(1_000_000n, 1_000_003n)];
    const found = plan({ present, headSeq: 1_000_004n, appliedSeq: 4n });
    expect(found).toMatchObject({
      keepFrom: 1_000_000n,
      lost: [run(1_000_004n, 1_000_004n)],
      beyond: [run(7n, 999_999n)],
    });
    const alone = plan({ present, headSeq: 1_000_004n, appliedSeq: undefined });
    expect(alone).toMatchObject({ keepFrom: 1_000_000n, lost: [run(1_000_004n, 1_000_004n)], beyond: [] });
  });

  test("without the store, takes what is before the first record for trimmed", () => {
    const found = plan({ present: [run(5n, 6n), run(8n, 8n)], headSeq: 8n, appliedSeq: undefined });
    expect(found).toMatchObject({ end: 8n, keepFrom: 5n, lost: [run(7n, 7n)], needsNewEnd: false });
    expect(plan({ headSeq: 8n, appliedSeq: undefined })).toMatchObject({ end: 8n, lost: [], needsNewEnd: false });
  });
});

describe("planEpochs", () => {
  const row = (i: number, n: number, epoch: number, split = false): EpochRow => {
    return { range: { i, n }, split, epoch, host: "a", incarnation: "a1", moveId: "m" };
  };

  test("takes of every range the highest row that is left", () => {
    const rows = [row(0, 1, 1), row(0, 1, 2, true), row(1, 2, 3), row(1, 2, 5)];
    expect(planEpochs({ rows, fences: [{ range: { i: 1, n: 2 }, epoch: 5 }], records: [] })).toEqual({
      rows: [row(0, 1, 2, true), row(1, 2, 5)],
      made: [],
    });
  });

  test("makes a row of nobody's, above all, where a higher epoch was written by than any row tells", () => {
    const { rows, made } = planEpochs({
      rows: [row(0, 1, 2, true)],
      fences: [{ range: { i: 1, n: 2 }, epoch: 4 }],
      records: [
        { topic: 4n << 22n, epoch: 3 },
        { topic: 5n << 22n, epoch: 4 },
      ],
    });
    expect(made.map(({ range, epoch, incarnation }) => [range, epoch, incarnation])).toEqual([
      [{ i: 1, n: 2 }, 1_004, "lost"],
      [{ i: 0, n: 2 }, 1_003, "lost"],
    ]);
    expect(rows).toHaveLength(3);
  });

  test("makes one for all slots when no row is left", () => {
    const { rows } = planEpochs({ rows: [], fences: [], records: [{ topic: 1n, epoch: 7 }] });
    expect(rows).toMatchObject([{ range: { i: 0, n: 1 }, epoch: 1_007, incarnation: "lost" }]);
  });
});
