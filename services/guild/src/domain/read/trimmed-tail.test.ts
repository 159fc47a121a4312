import type { Row } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { trimmedTail } from "./trimmed-tail.ts";

function row(messageId: bigint, deleted = false): Row {
  const value = { channelId: 1n, messageId, authorId: 1n, mentionIds: [], openJson: Buffer.alloc(0), seq: messageId };
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
  expect(idsOf(trimmedTail(many, { ...page, before: 100n }))).toEqual([98, 99]);
  expect(idsOf(trimmedTail(many, { ...page, after: 100n }))).toEqual([101, 102]);
});
