import { GuildhallError } from "@guildhall/errors";
import type { Row } from "@guildhall/proto";
import { ascending } from "../model/bigint-order.ts";

/** Which page of a channel is asked for. */
export interface AskedPage {
  readonly before: bigint;
  readonly after: bigint;
  readonly around: bigint;
  readonly limit: number;
}

// Fewer rows than this are sent as they are.
const wholeUpTo = 256;

// More than this would not fit a message: the store has to catch up first.
const maxRows = 8_192;

/** The rows of a channel's tail that can matter to a page. */
export function trimmedTail(rows: readonly Row[], page: AskedPage): Row[] {
  if (rows.length <= wholeUpTo) return [...rows];
  const inRange = rows.filter((row) => {
    const id = messageIdOf(row);
    return (page.before === 0n || id < page.before) && (page.after === 0n || id > page.after);
  });
  const limit = page.limit === 0 ? 50 : page.limit;
  const near = page.around !== 0n ? inRange : nearest(inRange, limit, page.after !== 0n);
  const kept = withAnswered(rows, near);
  if (kept.length > maxRows) throw new GuildhallError("STORE_UNAVAILABLE", "the channel's end is not stored yet");
  return kept;
}

/** The rows of one message, and of what it may answer. */
export function tailOfMessage(rows: readonly Row[], messageId: bigint): Row[] {
  return withAnswered(
    rows,
    rows.filter((row) => messageIdOf(row) === messageId),
  );
}

/** Also what is not shown itself but may be inside a reply: what the kept rows answer, and whatever was deleted. */
function withAnswered(rows: readonly Row[], kept: readonly Row[]): Row[] {
  const own = new Set(kept);
  const answered = new Set(kept.map(({ of }) => (of?.$case === "message" ? of.value.referenceId : 0n)));
  const isInside = (row: Row): boolean =>
    row.of?.$case === "message" && (row.deleted || answered.has(row.of.value.messageId));
  return rows.filter((row) => own.has(row) || isInside(row));
}

/** Messages farther from the page's beginning than `limit` live ones of the tail cannot be on it. */
function nearest(rows: readonly Row[], limit: number, fromOldest: boolean): Row[] {
  const live = rows.filter(({ of, deleted }) => of?.$case === "message" && !deleted).map(messageIdOf);
  live.sort(ascending);
  if (live.length <= limit) return [...rows];
  const bound = (fromOldest ? live[limit - 1] : live[live.length - limit]) as bigint;
  return rows.filter((row) => (fromOldest ? messageIdOf(row) <= bound : messageIdOf(row) >= bound));
}

function messageIdOf({ of }: Row): bigint {
  return of?.$case === "message" || of?.$case === "reaction" ? of.value.messageId : 0n;
}
