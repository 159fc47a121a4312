import type {
  Append,
  Appended,
  Applied,
  Apply,
  AwaitOrders,
  BeginHandoff,
  BusItem,
  CommitHandoff,
  CopyRecords,
  DirectoryEntry,
  EpochRecord,
  EpochTaken,
  GuildRows,
  HandoffBegun,
  HandoffCommitted,
  HandoffOutcome,
  Head,
  HostRenewed,
  Record as JournalRecord,
  MembershipRow,
  Opened,
  OrdersReady,
  RecordsCopied,
  RenewHost,
  Retry,
  Row,
  SlotRange,
  Tail,
  TopicRecords,
  Watermark,
} from "@guildhall/proto";
import type { ShardMap } from "@guildhall/slots";

/** One durable event, as the journal keeps it. */
export type { JournalRecord };

/** The durable log. Every call rejects with a GuildhallError; one that was certainly not executed says so by its code. */
export interface Journal {
  append(append: Append): Promise<Appended>;
  takeEpoch(record: EpochRecord, prev: EpochRecord | undefined): Promise<EpochTaken>;
  readEpochs(range: SlotRange): Promise<readonly EpochRecord[]>;
  readTail(range: SlotRange, after: bigint, limit: number): Promise<Tail>;
  readTopic(topic: bigint, fromSeq: bigint, limit: number): Promise<TopicRecords>;
  /** `sinceTs` in microseconds. In pages: a busy shard has very many. */
  readRetries(range: SlotRange, sinceTs: bigint): AsyncIterable<readonly Retry[]>;
  readHeads(topics: readonly bigint[]): Promise<readonly Head[]>;
}

/** Where state rests. */
export interface Store {
  apply(apply: Apply): Promise<Applied>;
  readWatermark(range: SlotRange): Promise<Watermark>;
  loadGuild(topic: bigint): Promise<GuildRows>;
  loadMembers(topic: bigint, userIds: readonly bigint[]): Promise<readonly Row[]>;
  /** Ascending by user id. */
  listMembers(topic: bigint, after: bigint, limit: number): Promise<readonly Row[]>;
  loadMessages(channelId: bigint, messageIds: readonly bigint[]): Promise<readonly Row[]>;
}

/** Which topic an id belongs to; entries never change. */
export interface Directory {
  /** Durable when resolved; gives what is there now. */
  put(entries: readonly DirectoryEntry[]): Promise<readonly DirectoryEntry[]>;
}

/** The accounts' list of who is a member where. */
export interface Memberships {
  apply(rows: readonly MembershipRow[]): Promise<void>;
}

/** Carries items to gateways; may lose them. */
export interface Bus {
  publish(items: readonly BusItem[]): void;
  opened(entries: readonly Opened[]): void;
}

/** Leases, and orders of what to take, to split and to move. */
export interface Coordinator {
  renew(renewal: RenewHost): Promise<HostRenewed>;
  /** Resolves when there are orders that were not given before, else after `waitMs`. */
  awaitOrders(ask: AwaitOrders): Promise<OrdersReady>;
}

/** Another host, to hand a shard over to. Every call rejects with a GuildhallError. */
export interface Peer {
  begin(begin: BeginHandoff): Promise<HandoffBegun>;
  copy(copy: CopyRecords): Promise<RecordsCopied>;
  commit(commit: CommitHandoff): Promise<HandoffCommitted>;
  abandon(moveId: string): Promise<void>;
}

/** The other hosts, by address. */
export interface Peers {
  at(address: string): Peer;
}

/** Who is known to own what, by the coordinator's map, which whoever makes a host keeps up to date. */
export type OwnerMap = Pick<ShardMap, "ownerOf" | "entries" | "learn">;

/** What the process takes. `cpuSeconds` since its start. */
export interface Statistics {
  cpuSeconds(): number;
  memoryBytes(): number;
}

/** `nowMs`: Unix time slewed to the coordinator's; `monotonicMs` of any origin. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** Deferred work; disposing cancels it. `soon` runs once the work at hand is through. */
export interface Timers {
  after(ms: number, work: () => void): Disposable;
  every(ms: number, work: () => void): Disposable;
  soon(work: () => void): void;
}

/** Makes ids above `above` and all it has made. */
export interface Ids {
  next(above?: bigint): bigint;
}

/** In what way a shard got another EPOCH, or was to. */
export type HandoffKind = "move" | "split" | "retake";

/** What nobody who asked is told of. */
export interface Reporter {
  /** Something went wrong. */
  warn(what: string, details: Readonly<Record<string, unknown>>): void;
  /** A shard was moved, split or taken anew, or was not. */
  handoffEnded(kind: HandoffKind, outcome: HandoffOutcome): void;
}

/** Everything that a host reaches outside itself. */
export interface HostPorts {
  readonly journal: Journal;
  readonly store: Store;
  readonly directory: Directory;
  readonly memberships: Memberships;
  readonly bus: Bus;
  readonly coordinator: Coordinator;
  readonly peers: Peers;
  readonly ownerMap: OwnerMap;
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly reporter: Reporter;
}
