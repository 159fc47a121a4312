import type { ShardRange } from "@guildhall/slots";
import type { RangeWatermark } from "../domain/watermarks.ts";

/** What every row carries: its write time (microseconds; a lower one never replaces a higher) and whether it is gone. */
interface Written {
  readonly ts: bigint;
  readonly deleted: boolean;
}

/** A guild's own state: key (topic, stateKind, key). */
export interface StateRow extends Written {
  readonly kind: "state";
  readonly topic: bigint;
  readonly stateKind: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** A member: key (topic, userId). */
export interface MemberRow extends Written {
  readonly kind: "member";
  readonly topic: bigint;
  readonly userId: bigint;
  readonly value: Uint8Array;
}

/**
 * A message: key (channelId, messageId). `openJson` lacks the closing brace, `reactions` and `referenced_message`;
 * `referenceId` is the message of the channel that it answers, 0 for none.
 */
export interface MessageRow extends Written {
  readonly kind: "message";
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly authorId: bigint;
  readonly mentionIds: readonly bigint[];
  readonly openJson: Uint8Array;
  readonly seq: bigint;
  readonly referenceId: bigint;
}

/** Which reaction: one emoji of one user on one message. `emojiId` is 0 for Unicode emoji. */
export interface ReactionKey {
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly emojiId: bigint;
  readonly emojiName: string;
  readonly userId: bigint;
}

/** A reaction; its key is all of `ReactionKey`. */
export interface ReactionRow extends Written, ReactionKey {
  readonly kind: "reaction";
  readonly seq: bigint;
}

/** A row after a change. */
export type StoreRow = StateRow | MemberRow | MessageRow | ReactionRow;

/** Rows to write, and what is applied once they are. */
export interface ApplyBatch {
  readonly range: ShardRange;
  readonly epoch: number;
  readonly rows: readonly StoreRow[];
  /** Every record of the range up to this position is applied with this batch. */
  readonly watermark: bigint;
  readonly applied: readonly { readonly topic: bigint; readonly seq: bigint }[];
}

/** Done, or refused: the fence of an overlapping range stands at the higher `epoch`. */
export type ApplyOutcome = { readonly kind: "done" } | { readonly kind: "fenced"; readonly epoch: number };

/** Rows, and where the next page begins; `next` = "" on the last one. */
export interface RowPage<R> {
  readonly rows: readonly R[];
  readonly next: string;
}

/** Messages on one side of an id (exclusive), nearest first. */
export interface MessageScan {
  readonly channelId: bigint;
  readonly side: "older" | "newer";
  readonly of: bigint;
  readonly limit: number;
}

/** The answer to a scan; `seq` is that of the channel's last row in the store when it was made. */
export interface ScannedMessages {
  readonly messages: readonly MessageRow[];
  readonly seq: bigint;
}

/** The reactions of one emoji to one message. `firstTs` is the time of the earliest that stands. */
export interface ReactionGroup {
  readonly emojiId: bigint;
  readonly emojiName: string;
  readonly count: number;
  readonly firstTs: bigint;
  /** Who reacted; undefined when they are too many to list. */
  readonly userIds: ReadonlySet<bigint> | undefined;
}

/** Where state rests. All failures are GuildhallErrors: STORE_UNAVAILABLE, QUEUE_FULL. */
export interface Store extends AsyncDisposable {
  /**
   * Opens or creates it; what is left of a damaged one is salvaged, after `before` has come to pass. Rejects when it cannot
   * be opened (STORE_UNAVAILABLE) or never will be (STATE_VERSION, INTERNAL).
   */
  open(before?: Promise<unknown>): Promise<void>;
  /** Writes rows, fence and watermark as one. Calls are applied in the order they are made. */
  apply(batch: ApplyBatch): Promise<ApplyOutcome>;
  /** The range's watermark, or that of the range it was split from; position 0, epoch 0 when there is none. */
  readWatermark(range: ShardRange): Promise<RangeWatermark>;
  /** State rows of a topic but those of kind `without`, and the seq up to which the topic is applied. */
  loadState(
    topic: bigint,
    without: number,
    after: string,
  ): Promise<RowPage<StateRow> & { readonly appliedSeq: bigint }>;
  loadMembers(topic: bigint, userIds: readonly bigint[]): Promise<readonly MemberRow[]>;
  /** Ascending by user id. */
  listMembers(topic: bigint, afterUserId: bigint, limit: number): Promise<readonly MemberRow[]>;
  /** Messages that exist, each followed by its reactions. */
  loadMessages(
    channelId: bigint,
    messageIds: readonly bigint[],
    after: string,
  ): Promise<RowPage<MessageRow | ReactionRow>>;
  scanMessages(scan: MessageScan): Promise<ScannedMessages>;
  readMessage(channelId: bigint, messageId: bigint): Promise<MessageRow | undefined>;
  /** Reaction groups of those of the messages that have any. */
  reactionGroups(
    channelId: bigint,
    messageIds: readonly bigint[],
  ): Promise<ReadonlyMap<bigint, readonly ReactionGroup[]>>;
  /** Write time and state of reactions, deleted ones included while the store remembers them; in order of the keys. */
  readReactions(keys: readonly ReactionKey[]): Promise<readonly ({ ts: bigint; deleted: boolean } | undefined)[]>;
  /** Makes everything applied before durable against a loss of power. */
  sync(): Promise<void>;
  /** Forgets a bounded number of deleted rows written before `ts`; returns how many. */
  forgetDeleted(beforeTs: bigint): Promise<number>;
}
