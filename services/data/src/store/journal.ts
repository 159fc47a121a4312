import type { EpochAsk, EpochDecision, EpochRow, ShardRange } from "@guildhall/slots";
import type { AppendAnswer } from "../domain/append.ts";

/** A record as the journal takes it: what it decides and indexes by, and the encoded whole. Times in microseconds. */
export interface JournalRecord {
  readonly topic: bigint;
  readonly epoch: number;
  readonly seq: bigint;
  readonly ts: bigint;
  readonly lastId: bigint;
  readonly requestId: bigint;
  readonly nonceKey: string;
  readonly bytes: Uint8Array;
}

/** A record as it is read back. */
export interface PositionedRecord {
  readonly position: bigint;
  readonly bytes: Uint8Array;
}

/** Records of a range after a position. */
export interface TailPage {
  readonly records: readonly PositionedRecord[];
  /** All of the range up to here has been read. */
  readonly readTo: bigint;
  /** Nothing more is there now. */
  readonly end: boolean;
}

/** Records of a topic; `floor` is the lowest seq still held. */
export interface TopicPage {
  readonly records: readonly PositionedRecord[];
  readonly floor: bigint;
}

/** What a record answers again when its request comes again. */
export interface RetryRow {
  readonly topic: bigint;
  readonly requestId: bigint;
  readonly nonceKey: string;
  readonly ts: bigint;
  /** The encoded record, which holds the result. */
  readonly bytes: Uint8Array;
}

/** Retry rows; `next` = "" on the last page. */
export interface RetryPage {
  readonly retries: readonly RetryRow[];
  readonly next: string;
}

/** The last record of a topic; outlives the record. */
export interface TopicHead {
  readonly topic: bigint;
  readonly epoch: number;
  readonly seq: bigint;
  readonly lastId: bigint;
  readonly lastTs: bigint;
}

/** What may go: of `range`, records up to `position` with a `ts` below `beforeTs`. */
export interface TrimMark {
  readonly range: ShardRange;
  readonly position: bigint;
  readonly beforeTs: bigint;
}

/**
 * The durable, ordered log. All failures are GuildhallErrors: JOURNAL_UNAVAILABLE and QUEUE_FULL, which say that nothing
 * was done, and OUTCOME_UNKNOWN.
 */
export interface Journal extends AsyncDisposable {
  /**
   * Opens or creates it; what is left of a damaged one is salvaged, after `before` has come to pass. Rejects when it cannot
   * be opened (JOURNAL_UNAVAILABLE) or never will be (STATE_VERSION, INTERNAL).
   */
  open(before?: Promise<unknown>): Promise<void>;
  /** How long the last commit took; 0 before the first. */
  readonly lastCommitMs: number;
  /** Appends records in order, each answered by itself, durable before the answer. Calls commit in the order they are made. */
  append(records: readonly JournalRecord[]): Promise<readonly AppendAnswer[]>;
  /** Decides an EPOCH and puts it in force for all its slots, in order with the appends. */
  takeEpoch(ask: EpochAsk): Promise<EpochDecision>;
  /** The EPOCH rows whose ranges overlap this one, by epoch ascending: a slot's owner is its highest. */
  readEpochs(range: ShardRange): Promise<readonly EpochRow[]>;
  readTail(range: ShardRange, after: bigint, limit: number): Promise<TailPage>;
  readTopic(topic: bigint, fromSeq: bigint, limit: number): Promise<TopicPage>;
  /** Records with a request id or nonce since `sinceTs`, and never less than 5 minutes before the range's last record. */
  readRetries(range: ShardRange, sinceTs: bigint, after: string): Promise<RetryPage>;
  readHeads(topics: readonly bigint[]): Promise<readonly TopicHead[]>;
  /** How many topics have a head in each of the shards (0, n) to (n - 1, n). */
  countTopics(n: number): Promise<readonly bigint[]>;
  /** `ts` of the newest record of a range; 0 = none. */
  newestTs(range: ShardRange): bigint;
  /** Deletes what the marks allow, in bounded steps between commits; returns how many records went. */
  trim(marks: readonly TrimMark[]): Promise<number>;
}
