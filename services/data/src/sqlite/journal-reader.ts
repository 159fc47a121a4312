import type { EpochRow, ShardRange } from "@guildhall/slots";
import { rangesOverlap } from "@guildhall/slots";
import type { RecentSlots } from "../domain/recent-slots.ts";
import type { PositionedRecord, RetryPage, RetryRow, TailPage, TopicHead, TopicPage } from "../store/journal.ts";
import type { EngineReader } from "./engine-reader.ts";
import { epochColumns, toEpochRow } from "./journal-schema.ts";

/** The reading side of the journal: it sees what is committed. Every answer is bounded in records and bytes. */
export interface JournalReader {
  readEpochs(range: ShardRange): readonly EpochRow[];
  readTail(range: ShardRange, after: bigint, limit: number): TailPage;
  readTopic(topic: bigint, fromSeq: bigint, limit: number): TopicPage;
  readRetries(range: ShardRange, sinceTs: bigint, after: string): RetryPage;
  readHeads(topics: readonly bigint[]): readonly TopicHead[];
  /** Calls back with the newest `ts`, and the number of heads, of every slot that has one; returns the last position then. */
  eachSlot(add: (slot: number, ts: bigint, topics: number) => void): bigint;
  /** The next records (at most `limit`) in order of position, without their bytes. */
  scan(after: bigint, limit: number): readonly ScannedRecord[];
}

/** A record as the trimming sees it. */
interface ScannedRecord {
  readonly position: bigint;
  readonly slot: number;
  readonly ts: bigint;
}

const pageBytes = 1024 * 1024;
const pageRecords = 1_000;
const retryPageRecords = 5_000;
/** Records that one read of a tail passes over at most, whatever they belong to. */
const scanRecords = 20_000n;
const inRange = "(slot & ?) = ?";

/** Makes the reading side; `recent` spares it the search among the latest records. */
export function makeJournalReader(reader: EngineReader, recent: RecentSlots): JournalReader {
  return {
    readEpochs: (range) =>
      reader.read((prepare) =>
        prepare(`SELECT ${epochColumns} FROM epochs ORDER BY epoch, n, i`)
          .all()
          .map(toEpochRow)
          .filter((row) => rangesOverlap(row.range, range)),
      ),
    readTail: (range, after, limit) => readTail(reader, recent, range, after, bounded(limit)),
    readTopic: (topic, fromSeq, limit) => readTopic(reader, topic, fromSeq, bounded(limit)),
    readRetries: (range, sinceTs, after) => readRetries(reader, range, sinceTs, after),
    readHeads: (topics) =>
      reader.read((prepare) => {
        const select = prepare("SELECT topic, epoch, seq, last_id, last_ts FROM heads WHERE topic = ?");
        return topics.flatMap((topic) => {
          const row = select.get(topic);
          return row === undefined ? [] : [toHead(row)];
        });
      }),
    eachSlot: (add) =>
      reader.read((prepare) => {
        // One statement, so that both are of the same moment.
        const rows = prepare(
          `SELECT slot, max(last_ts) AS ts, count(*) AS topics,
             (SELECT seq FROM sqlite_sequence WHERE name = 'records') AS last FROM heads GROUP BY slot`,
        );
        let last = 0n;
        for (const row of rows.iterate()) {
          add(Number(row.slot), row.ts as bigint, Number(row.topics));
          last = (row.last as bigint | null) ?? 0n;
        }
        return last;
      }),
    scan: (after, limit) =>
      reader.read((prepare) =>
        prepare("SELECT position, slot, ts FROM records WHERE position > ? ORDER BY position LIMIT ?")
          .all(after, limit)
          .map((row) => ({
            position: row.position as bigint,
            slot: Number(row.slot),
            ts: row.ts as bigint,
          })),
      ),
  };
}

function readTail(
  reader: EngineReader,
  recent: RecentSlots,
  range: ShardRange,
  after: bigint,
  limit: number,
): TailPage {
  return reader.read((prepare) => {
    const known = recent.find(range, Number(after), limit + 1);
    if (known !== undefined) {
      const select = prepare("SELECT position, bytes FROM records WHERE position = ?");
      const rows = (function* () {
        for (const position of known) {
          const row = select.get(position);
          if (row !== undefined) yield row;
        }
      })();
      // Of those found, trimming may have taken some: the page ends where the search did.
      const searchedTo = known.length > limit ? (known.at(-1) as number) : recent.end;
      return toTail(rows, limit, BigInt(searchedTo), BigInt(recent.end));
    }
    const last = (prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get()?.seq ?? 0n) as bigint;
    const first = (prepare("SELECT min(position) AS first FROM records").get()?.first ?? last + 1n) as bigint;
    const from = after < first ? first - 1n : after;
    const scanned = from + scanRecords < last ? from + scanRecords : last;
    const select = prepare(
      `SELECT position, bytes FROM records WHERE position > ? AND position <= ? AND ${inRange} ORDER BY position`,
    );
    return toTail(select.iterate(from, scanned, range.n - 1, range.i), limit, scanned > after ? scanned : after, last);
  });
}

function toTail(rows: Iterable<Record<string, unknown>>, limit: number, readTo: bigint, last: bigint): TailPage {
  const { records, more } = takePage(rows, limit);
  const read = more ? (records.at(-1) as PositionedRecord).position : readTo;
  return { records, readTo: read, end: !more && read >= last };
}

function readTopic(reader: EngineReader, topic: bigint, fromSeq: bigint, limit: number): TopicPage {
  return reader.read((prepare) => {
    const lowest = prepare("SELECT min(seq) AS floor FROM records WHERE topic = ?").get(topic)?.floor;
    const head = prepare("SELECT seq FROM heads WHERE topic = ?").get(topic)?.seq as bigint | undefined;
    const rows = prepare("SELECT position, bytes FROM records WHERE topic = ? AND seq >= ? ORDER BY seq");
    const floor = (lowest as bigint | null | undefined) ?? (head ?? 0n) + 1n;
    return { records: takePage(rows.iterate(topic, fromSeq), limit).records, floor };
  });
}

function takePage(rows: Iterable<Record<string, unknown>>, limit: number) {
  const records: PositionedRecord[] = [];
  let size = 0;
  for (const row of rows) {
    if (records.length === limit || size >= pageBytes) return { records, more: true };
    const bytes = row.bytes as Uint8Array;
    records.push({ position: row.position as bigint, bytes });
    size += bytes.length;
  }
  return { records, more: false };
}

function readRetries(reader: EngineReader, range: ShardRange, sinceTs: bigint, after: string): RetryPage {
  const [ts, slot, position] = parseCursor(after) ?? [sinceTs, -1n, 0n];
  return reader.read((prepare) => {
    const rows = prepare(
      `SELECT position, ts, slot, topic, request_id, nonce_key, bytes FROM records
       WHERE (request_id <> 0 OR nonce_key <> '') AND (ts, slot, position) > (?, ?, ?) AND ${inRange}
       ORDER BY ts, slot, position`,
    ).iterate(ts, slot, position, range.n - 1, range.i);
    const retries: RetryRow[] = [];
    let size = 0;
    let last = "";
    for (const row of rows) {
      if (retries.length === retryPageRecords || size >= pageBytes) return { retries, next: last };
      const retry = toRetry(row);
      retries.push(retry);
      size += retry.bytes.length;
      last = `${row.ts}.${row.slot}.${row.position}`;
    }
    return { retries, next: "" };
  });
}

/** `next` is "<ts>.<slot>.<position>" of the page's last row. */
function parseCursor(text: string): [bigint, bigint, bigint] | undefined {
  const match = /^(\d{1,18})\.(\d{1,5})\.(\d{1,18})$/.exec(text);
  return match === null
    ? undefined
    : [BigInt(match[1] as string), BigInt(match[2] as string), BigInt(match[3] as string)];
}

function toRetry(row: Record<string, unknown>): RetryRow {
  return {
    topic: row.topic as bigint,
    requestId: row.request_id as bigint,
    nonceKey: row.nonce_key as string,
    ts: row.ts as bigint,
    bytes: row.bytes as Uint8Array,
  };
}

function toHead(row: Record<string, unknown>): TopicHead {
  return {
    topic: row.topic as bigint,
    epoch: Number(row.epoch),
    seq: row.seq as bigint,
    lastId: row.last_id as bigint,
    lastTs: row.last_ts as bigint,
  };
}

function bounded(limit: number): number {
  return limit > 0 ? Math.min(limit, pageRecords) : pageRecords;
}
