import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type {
  BeginHandoff,
  CommitHandoff,
  CopyRecords,
  EpochRecord,
  HandoffBegun,
  HandoffCommitted,
  RecordsCopied,
} from "@guildhall/proto";
import { type EpochKey, formatRange, sameEpoch } from "@guildhall/slots";
import type { HostParts } from "./host-parts.ts";
import { type PreparedShard, prepareShard } from "./prepared-shard.ts";
import { makeShard, type Shard } from "./shard.ts";
import type { ShardTable } from "./shard-table.ts";
import { lastOf } from "./take-range.ts";
import { pause } from "./waiting.ts";

/*
 * States of a move, at the host that the shard comes to:
 *
 *   (none) ──begin──▶ preparing ──everything read──▶ ready ──commit, in time──▶ asking ──EPOCH taken──▶ serving
 *                        │                            │ ▲                         ├──refused──▶ (none)
 *                        │                            └─┘ records                 └──no answer──▶ looking ──it is there──▶ serving
 *                        │                            │                                              └──another's, 10 s──▶ (none)
 *                        └──failed, 10 s, abandoned──▶ (none)
 *
 * While looking nothing new is asked for: the giver takes the shard back by then, and the first of both EPOCHs stands.
 */

/** Takes shards that other hosts hand over. */
export interface HandoffReceiver {
  begin(begin: BeginHandoff): Promise<HandoffBegun>;
  copy(copy: CopyRecords): RecordsCopied;
  commit(commit: CommitHandoff): Promise<HandoffCommitted>;
  abandon(moveId: string): void;
  /** How many are on their way. */
  readonly size: number;
}

/** What a receiver works with. */
export interface ReceiverOptions {
  readonly parts: HostParts;
  readonly shards: ShardTable;
  /** A shard has come, and serves. */
  readonly received: (shard: Shard) => void;
}

interface Coming {
  readonly key: string;
  readonly ready: Promise<PreparedShard>;
  prepared: PreparedShard | undefined;
  /** The last of the numbered messages. */
  number: bigint;
  isOver: boolean;
  committing: Promise<HandoffCommitted> | undefined;
  expiry: Disposable | undefined;
}

const maxComing = 4;
const keptMs = 10_000;
const lookEveryMs = 50;

/** Makes the receiver of a host. */
export function makeHandoffReceiver(options: ReceiverOptions): HandoffReceiver {
  return new Receiver(options);
}

class Receiver implements HandoffReceiver {
  readonly #options: ReceiverOptions;
  readonly #coming = new Map<string, Coming>();
  /** Which of them a move that is only known by its id is. */
  readonly #keys = new Map<string, string>();

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#coming.size;
  }

  async begin(begin: BeginHandoff): Promise<HandoffBegun> {
    const { moveId, range } = begin;
    const { parts, shards } = this.#options;
    if (range === undefined) throw new GuildhallError("INVALID_FORM", "a move of nothing");
    if (shards.overlaps(range)) throw new GuildhallError("UNAVAILABLE", "this host serves slots of the range itself");
    const key = parts.guards.moveId ? moveId : formatRange(range);
    let coming = this.#coming.get(key);
    if (coming === undefined) {
      if (this.#coming.size >= maxComing) throw new GuildhallError("QUEUE_FULL", "too many shards are on their way");
      coming = this.#prepare(key, begin);
    }
    this.#keys.set(moveId, key);
    const prepared = await coming.ready;
    return { opened: prepared.opened };
  }

  #prepare(key: string, begin: BeginHandoff): Coming {
    // It asks before there is anything to ask of.
    const known: { coming: Coming | undefined } = { coming: undefined };
    const ready = prepareShard(begin, this.#options.parts, () => known.coming?.isOver ?? false);
    const coming: Coming = {
      ...{ key, ready, prepared: undefined, number: 0n, isOver: false, committing: undefined, expiry: undefined },
    };
    known.coming = coming;
    this.#coming.set(key, coming);
    this.#heard(coming);
    ready.then(
      (prepared) => {
        if (coming.isOver) return;
        coming.prepared = prepared;
        this.#heard(coming);
      },
      () => this.#drop(coming),
    );
    return coming;
  }

  copy({ moveId, number, records }: CopyRecords): RecordsCopied {
    const { coming, prepared } = this.#next(moveId, number);
    try {
      prepared.add(records);
    } catch (error) {
      this.#drop(coming);
      throw error;
    }
    this.#heard(coming);
    return { number };
  }

  async commit(commit: CommitHandoff): Promise<HandoffCommitted> {
    const { clock } = this.#options.parts.ports;
    const untilMs = clock.monotonicMs() + commit.budgetMs;
    const known = this.#find(commit.moveId);
    if (known?.committing !== undefined) return known.committing;
    try {
      const { coming, prepared } = this.#next(commit.moveId, commit.number);
      coming.committing = this.#take(commit, prepared, untilMs).finally(() => this.#drop(coming));
      coming.expiry?.[Symbol.dispose]();
      return await coming.committing;
    } catch (error) {
      return refused(toGuildhallError(error).message);
    }
  }

  abandon(moveId: string): void {
    const coming = this.#find(moveId);
    if (coming?.committing === undefined && coming !== undefined) this.#drop(coming);
  }

  #find(moveId: string): Coming | undefined {
    return this.#coming.get(this.#keys.get(moveId) ?? moveId);
  }

  /** What a numbered message is for. One that is missing makes all of it worthless. */
  #next(moveId: string, number: bigint): { coming: Coming; prepared: PreparedShard } {
    const coming = this.#find(moveId);
    if (coming?.prepared === undefined || coming.committing !== undefined) {
      throw new GuildhallError("UNAVAILABLE", "nothing is ready for this move");
    }
    if (this.#options.parts.guards.moveId && number !== coming.number + 1n) {
      this.#drop(coming);
      throw new GuildhallError("UNAVAILABLE", "something of the move is missing");
    }
    coming.number = number;
    return { coming, prepared: coming.prepared };
  }

  async #take(commit: CommitHandoff, prepared: PreparedShard, untilMs: number): Promise<HandoffCommitted> {
    const { parts } = this.#options;
    const { journal, clock } = parts.ports;
    const sinceMs = clock.monotonicMs();
    const { name: host, incarnation } = parts.config;
    const { range, row: prev } = prepared;
    prepared.add(commit.records);
    const row: EpochRecord = { range, split: false, epoch: prev.epoch + 1, host, incarnation, moveId: commit.moveId };
    if (clock.monotonicMs() >= untilMs) return refused("the time for it is over");
    try {
      const { taken, winner } = await journal.takeEpoch(row, prev);
      if (!taken) return refused(`${winner?.host ?? "another host"} has the shard`);
    } catch (error) {
      parts.ports.reporter.warn("an EPOCH was not answered, is looked for", { range: formatRange(range), error });
      if (!(await this.#appears(row))) return refused("the journal has not answered");
    }
    const committed = this.#serve(row, prepared, commit);
    const detail = `move ${commit.moveId}, received from ${prev.host}`;
    parts.trace.handedOver({ range, sinceMs, untilMs: clock.monotonicMs(), detail });
    return committed;
  }

  /**
   * Whether an EPOCH of unknown outcome turns out to be there, and is in force for all slots: what was written of it may be
   * the half. Asking for what is there does the rest, and takes nothing.
   */
  async #appears(row: EpochRecord): Promise<boolean> {
    const { journal, clock, timers } = this.#options.parts.ports;
    const range = row.range ?? { i: 0, n: 1 };
    for (const untilMs = clock.monotonicMs() + keptMs; clock.monotonicMs() < untilMs; ) {
      const records = await journal.readEpochs(range).catch(() => []);
      const last = lastOf(records, range);
      if (last !== undefined && last.epoch >= row.epoch) {
        if (!sameEpoch(keyOf(last), keyOf(row))) return false;
        const completed = await journal.takeEpoch(row, undefined).catch(() => undefined);
        if (completed !== undefined) return completed.taken;
      }
      await pause(lookEveryMs, timers);
    }
    return false;
  }

  #serve(row: EpochRecord, prepared: PreparedShard, { heads }: CommitHandoff): HandoffCommitted {
    const { parts, shards, received } = this.#options;
    const { beginning, topics } = prepared.finish(heads);
    if (shards.overlaps(prepared.range)) return refused("this host serves slots of the range itself");
    const shard = makeShard({ ...beginning, row }, parts);
    shard.expect(topics);
    // The giver's last events may have been lost on their way, and it does not speak of them any more.
    for (const head of heads) parts.beats.note(head);
    parts.stats.shardsReceived++;
    received(shard);
    return { row, address: parts.config.address, reason: "" };
  }

  /** The giver has said something: what was prepared is kept for a while longer. */
  #heard(coming: Coming): void {
    coming.expiry?.[Symbol.dispose]();
    coming.expiry = this.#options.parts.ports.timers.after(keptMs, () => this.#drop(coming));
  }

  #drop(coming: Coming): void {
    coming.isOver = true;
    coming.expiry?.[Symbol.dispose]();
    if (this.#coming.get(coming.key) === coming) this.#coming.delete(coming.key);
    for (const [moveId, key] of this.#keys) if (key === coming.key) this.#keys.delete(moveId);
  }
}

function refused(reason: string): HandoffCommitted {
  return { row: undefined, address: "", reason };
}

function keyOf({ range, ...rest }: EpochRecord): EpochKey {
  return { ...rest, range: range ?? { i: 0, n: 1 } };
}
