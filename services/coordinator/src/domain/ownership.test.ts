import { type EpochRow, rangeContains, slotCount } from "@guildhall/slots";
import { expect, test } from "@jest/globals";
import type { EntryRow } from "./kept.ts";
import { makeOwnership } from "./ownership.ts";

const row = (i: number, n: number, epoch: number, host: string, split = false): EpochRow => ({
  range: { i, n },
  split,
  epoch,
  host,
  incarnation: `${host}-1`,
  moveId: `m${epoch}`,
});
const entry = (i: number, n: number, epoch: number, host: string): EntryRow => ({
  range: { i, n },
  host,
  address: host,
  epoch,
  incarnation: `${host}-1`,
});
const start = (entries: EntryRow[] = []) => {
  const replaced: string[] = [];
  const ownership = makeOwnership(entries, (former, by) => replaced.push(`${former.incarnation} by ${by.incarnation}`));
  const shards = (wanted: number) =>
    ownership.shards(wanted).map((shard) => `${shard.key} ${shard.row?.host ?? "-"}@${shard.row?.epoch ?? 0}`);
  return { ownership, replaced, shards };
};

test("shows the slots that nobody owns as shards of the number that is wanted", () => {
  const { ownership, shards } = start();
  expect(shards(2)).toEqual(["0/2 -@0", "1/2 -@0"]);
  ownership.learn([row(1, 4, 1, "a")]);
  expect(shards(4)).toEqual(["0/4 -@0", "1/4 a@1", "2/4 -@0", "3/4 -@0"]);
});

test("shows both halves of a split, and each half's own EPOCH once there is one", () => {
  const { ownership, shards } = start();
  ownership.learn([row(0, 2, 1, "a"), row(1, 2, 1, "b"), row(0, 2, 2, "a", true)]);
  expect(shards(2)).toEqual(["1/2 b@1", "0/4 a@2", "2/4 a@2"]);
  ownership.learn([row(2, 4, 3, "b")]);
  expect(shards(2)).toEqual(["1/2 b@1", "0/4 a@2", "2/4 b@3"]);
  expect(ownership.learn([row(0, 2, 1, "z")])).toBe(false);
  expect(ownership.shard({ i: 2, n: 4 })?.row?.host).toBe("b");
  expect(ownership.shard({ i: 0, n: 2 })).toBeUndefined();
});

test("knows by which row a published entry came about once the journal tells it, and hears no lower one", () => {
  const { ownership, shards, replaced } = start([entry(0, 4, 5, "a"), entry(2, 4, 5, "a")]);
  expect(shards(2)).toEqual(["1/2 -@0", "0/4 a@5", "2/4 a@5"]);
  ownership.learn([row(0, 2, 3, "zombie")]);
  expect(shards(2)).toEqual(["1/2 -@0", "0/4 a@5", "2/4 a@5"]);
  ownership.learn([row(0, 2, 5, "a", true)]);
  expect(shards(2)).toEqual(["1/2 -@0", "0/4 a@5", "2/4 a@5"]);
  expect(ownership.shard({ i: 0, n: 4 })?.row).toMatchObject({ range: { i: 0, n: 2 }, split: true });
  ownership.learn([row(0, 4, 6, "b")]);
  expect(replaced).toEqual(["zombie-1 by a-1", "a-1 by b-1"]);
});

test("always partitions all slots, and names the highest epoch of each, after any history", () => {
  let state = 11;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 30; round++) {
    const { ownership } = start();
    for (let epoch = 1; epoch <= 40; epoch++) {
      const all = ownership.shards(4);
      const { range, row: owner } = all[random(all.length)] ?? { range: { i: 0, n: 1 }, row: undefined };
      const canSplit = owner !== undefined && range.n < 64 && random(3) === 0;
      ownership.learn([row(range.i, range.n, (owner?.epoch ?? 0) + 1, `h${random(4)}`, canSplit)]);
    }
    const shards = ownership.shards(4);
    expect(shards.reduce((sum, { range }) => sum + slotCount / range.n, 0)).toBe(slotCount);
    for (let tries = 0; tries < 50; tries++) {
      const slot = random(slotCount);
      const holding = shards.filter(({ range }) => rangeContains(range, slot));
      expect(holding).toHaveLength(1);
      expect(holding[0]?.row).toEqual(ownership.ownerOf({ i: slot, n: slotCount }));
    }
  }
});
