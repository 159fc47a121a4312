import type { EpochRecord, EpochTaken, Order } from "@guildhall/proto";
import { OrderKind } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { takeRange } from "./take-range.ts";

const self = { name: "guild-0", incarnation: "a" };
const order: Order = {
  ...{ range: { i: 0, n: 4 }, moveId: "m1", fromIncarnation: "z", kind: OrderKind.ORDER_KIND_TAKE },
  ...{ toHost: "", toAddress: "", toIncarnation: "" },
};
const row = (epoch: number, host: string, incarnation: string, moveId: string): EpochRecord => ({
  ...{ range: { i: 0, n: 4 }, split: false, epoch, host, incarnation, moveId },
});

/** A journal that has these rows, with what it was asked to decide. */
function journal(rows: EpochRecord[], answers: EpochTaken[]) {
  const asked: [EpochRecord, EpochRecord | undefined][] = [];
  return {
    asked,
    readEpochs: async () => rows,
    async takeEpoch(record: EpochRecord, prev: EpochRecord | undefined) {
      asked.push([record, prev]);
      return answers.shift() as EpochTaken;
    },
  };
}

const yes: EpochTaken = { taken: true, winner: undefined };

test("a range is taken over from the incarnation that the order names", async () => {
  const before = row(2, "guild-9", "z", "m0");
  const log = journal([before], [yes]);
  expect(await takeRange(order, log, self)).toEqual({ taken: true, row: row(3, "guild-0", "a", "m1") });
  expect(log.asked).toEqual([[row(3, "guild-0", "a", "m1"), before]]);
});

test("what an attempt of before took is asked for again: it may have failed before all slots knew", async () => {
  const own = row(3, "guild-0", "a", "m1");
  const log = journal([own], [yes]);
  expect(await takeRange(order, log, self)).toEqual({ taken: true, row: own });
  expect(log.asked).toEqual([[own, undefined]]);
});

test("what has another owner by then is not taken", async () => {
  const winner = row(4, "guild-1", "b", "m2");
  const log = journal([row(3, "guild-0", "a", "m1")], [{ taken: false, winner }]);
  expect(await takeRange(order, log, self)).toEqual({ taken: false, owner: winner });
});

test("a range that a living host owns is left alone", async () => {
  const owner = row(3, "guild-1", "b", "m2");
  const log = journal([owner], []);
  expect(await takeRange(order, log, self)).toEqual({ taken: false, owner });
  expect(log.asked).toEqual([]);
});
