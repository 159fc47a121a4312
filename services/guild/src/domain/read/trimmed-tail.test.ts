import type { Row } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { tailOfMessage, trimmedTail } from "./trimmed-tail.ts";

function row(messageId: bigint, deleted = false, referenceId = 0n): Row {
  const value = {
    channelId: 1n,
    messageId,
    authorId: 1n,
    mentionIds: [],
    referenceId,
    openJson: Buffer.alloc(0),
    seq: messageId,
  };
  return { ts: 1n, deleted, of: { $case: "message", value } };
}

const idsOf = (rows: readonly Row[]) =>
  rows.map(({ of }) => (of?.$case === "message" ? Number(of.value.messageId) : 0));
const page = { before: 0n, after: 0n, around: 0n, limit: 2 };
const many = Array.from({ length: 300 }, (_, index) => row(BigInt(index + 1), index === 298));

test("few rows are sent whole", () => {
  expect(trimmedTail(many.slice(0, 10), page)).toEqual(many.slice(0, 10));
});

test("of many rows those nearest to the page's beginning are sent, deletions among them", () => {
  expect(idsOf(trimmedTail(many, page))).toEqual([298, 299, 300]);
  expect(idsOf(trimmedTail(many, { ...page, before: 100n }))).toEqual([98, 99, 299]);
  expect(idsOf(trimmedTail(many, { ...page, after: 100n }))).toEqual([101, 102, 299]);
});

test("what a shown message answers, and whatever was deleted, is sent too: it may stand inside a reply", () => {
  const rows = [row(1n, true), row(2n), row(3n), row(4n, false, 2n)];
  expect(idsOf(tailOfMessage(rows, 4n))).toEqual([1, 2, 4]);
  const newest = row(301n, false, 7n);
  expect(idsOf(trimmedTail([...many, newest], { ...page, limit: 1 }))).toEqual([7, 299, 301]);
});
