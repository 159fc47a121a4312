import { GuildhallError } from "@guildhall/errors";
import {
  type EpochRecord,
  encodeMessage,
  type Head,
  Record as JournalEntry,
  type Page,
  type Row,
  type SlotRange,
  type StateKind,
  type TailRecord,
} from "@guildhall/proto";
import { type EpochKey, type EpochRow, isRange, type ShardRange } from "@guildhall/slots";
import type { PageWindow } from "../domain/page-window.ts";
import type { PageAsk } from "../pages/shared-page.ts";
import type { JournalRecord, PositionedRecord, TopicHead } from "../store/journal.ts";
import type { StoreRow } from "../store/store.ts";

/** Databases hold signed integers; no id or time that exists comes near. */
const largest = (1n << 63n) - 1n;
const defaultPageLimit = 50;
const maxPageLimit = 100;

/** A refusal of what the asker sent. */
export function badRequest(message: string): GuildhallError {
  return new GuildhallError("INVALID_FORM", message);
}

/** A number that a database can hold. */
export function checked(value: bigint, name: string): bigint {
  if (value > largest) throw badRequest(`${name} is ${value}, above 2^63`);
  return value;
}

/** The same for a bound or an id that is only looked for: one too large is above all others. */
export function clamped(value: bigint): bigint {
  return value > largest ? largest : value;
}

/** A well-formed range. */
export function toRange(range: SlotRange | undefined): ShardRange {
  if (range === undefined || !isRange(range)) throw badRequest(`${range?.i}/${range?.n} is not a range of slots`);
  return { i: range.i, n: range.n };
}

/** A record as the journal takes it. */
export function toJournalRecord(record: JournalEntry): JournalRecord {
  const { topic, epoch, seq, ts, lastId, requestId, nonceKey } = record;
  return {
    topic: checked(topic, "topic"),
    epoch,
    seq: checked(seq, "seq"),
    ts: checked(ts, "ts"),
    lastId: checked(lastId, "last_id"),
    requestId: checked(requestId, "request_id"),
    nonceKey,
    bytes: encodeMessage(JournalEntry, record),
  };
}

/** A record read back. */
export function fromPositioned({ position, bytes }: PositionedRecord): TailRecord {
  return { position, record: JournalEntry.decode(bytes) };
}

/** An EPOCH as the journal keeps it. */
export function toEpochRow(record: EpochRecord | undefined): EpochRow {
  if (record === undefined) throw badRequest("the EPOCH is missing");
  const { range, split, epoch, host, incarnation, moveId } = record;
  return { range: toRange(range), split, epoch, host, incarnation, moveId };
}

/** What tells an EPOCH from others. */
export function toEpochKey(record: EpochRecord): EpochKey {
  const { range, split, epoch, incarnation, moveId } = toEpochRow(record);
  return { range, split, epoch, incarnation, moveId };
}

/** The same on the wire. */
export function fromEpochRow({ range, split, epoch, host, incarnation, moveId }: EpochRow): EpochRecord {
  return { range: { i: range.i, n: range.n }, split, epoch, host, incarnation, moveId };
}

/** A head on the wire. */
export function fromHead({ topic, epoch, seq, lastId, lastTs }: TopicHead): Head {
  return { topic, epoch, seq, lastId, lastTs };
}

/**
 * The rows that belong to the store: memberships are for the accounts database. A row with an id that no database can
 * hold is left out: refused, it would be sent again for ever, and nothing of its shard after it.
 */
export function toStoreRows(rows: readonly Row[]): StoreRow[] {
  return rows.flatMap((row) => toStoreRow(row) ?? []);
}

/** How many of these rows are left out though they would belong to the store. */
export function countLeftOut(rows: readonly Row[]): number {
  return rows.filter((row) => row.of?.$case !== "membership" && toStoreRow(row) === undefined).length;
}

function toStoreRow({ ts, deleted, of }: Row): StoreRow | undefined {
  const ifHeld = (row: StoreRow, ...numbers: readonly bigint[]) =>
    ts <= largest && numbers.every((number) => number <= largest) ? row : undefined;
  switch (of?.$case) {
    case "state": {
      const { topic, kind, key, value } = of.value;
      return ifHeld({ kind: "state", ts, deleted, topic, stateKind: kind, key, value }, topic);
    }
    case "member": {
      const { topic, userId, value } = of.value;
      return ifHeld({ kind: "member", ts, deleted, topic, userId, value }, topic, userId);
    }
    case "message": {
      const { channelId, messageId, authorId, mentionIds, openJson, seq, referenceId } = of.value;
      const row = { ts, deleted, channelId, messageId, authorId, mentionIds, openJson, seq, referenceId };
      return ifHeld({ kind: "message", ...row }, channelId, messageId, authorId, seq, referenceId);
    }
    case "reaction": {
      const { channelId, messageId, emojiId, emojiName, userId, seq } = of.value;
      const row = { ts, deleted, channelId, messageId, emojiId, emojiName, userId, seq };
      return ifHeld({ kind: "reaction", ...row }, channelId, messageId, emojiId, userId, seq);
    }
    case "membership":
      return undefined;
    case undefined:
      throw badRequest("a row without content");
    default:
      return of satisfies never;
  }
}

/** A row on the wire. */
export function fromStoreRow(row: StoreRow): Row {
  const { ts, deleted } = row;
  switch (row.kind) {
    case "state": {
      const { topic, stateKind, key, value } = row;
      return {
        ts,
        deleted,
        of: { $case: "state", value: { topic, kind: stateKind as StateKind, key, value: asBuffer(value) } },
      };
    }
    case "member": {
      const { topic, userId, value } = row;
      return { ts, deleted, of: { $case: "member", value: { topic, userId, value: asBuffer(value) } } };
    }
    case "message": {
      const { channelId, messageId, authorId, mentionIds, openJson, seq, referenceId } = row;
      const ids = { channelId, messageId, authorId, mentionIds: [...mentionIds], referenceId };
      const value = { ...ids, openJson: asBuffer(openJson), seq };
      return { ts, deleted, of: { $case: "message", value } };
    }
    case "reaction": {
      const { channelId, messageId, emojiId, emojiName, userId, seq } = row;
      return {
        ts,
        deleted,
        of: { $case: "reaction", value: { channelId, messageId, emojiId, emojiName, userId, seq } },
      };
    }
    default:
      return row satisfies never;
  }
}

/** What a page shows, but for who asks. */
export function toPageAsk(page: Page): PageAsk {
  return {
    channelId: checked(page.channelId, "channel_id"),
    window: toWindow(page),
    lastSeq: page.lastSeq,
    tail: toStoreRows(page.tail),
  };
}

function toWindow({ before, after, around, limit: asked, messageId }: Page): PageWindow {
  if (messageId !== 0n) return { kind: "one", id: lookedFor(messageId) };
  const limit = asked === 0 ? defaultPageLimit : Math.min(asked, maxPageLimit);
  if (around !== 0n) return { kind: "around", id: lookedFor(around), limit };
  if (before !== 0n) return { kind: "before", id: clamped(before), limit };
  if (after !== 0n) return { kind: "after", id: clamped(after), limit };
  return { kind: "latest", limit };
}

/** One below the largest: windows look from the id above it. */
function lookedFor(id: bigint): bigint {
  return id >= largest ? largest - 1n : id;
}

/** The same bytes as a Buffer, not copied. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
