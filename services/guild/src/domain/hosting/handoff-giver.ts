import { toGuildhallError } from "@guildhall/errors";
import type { EpochRecord, HandoffCommitted, HandoffOutcome, Order } from "@guildhall/proto";
import { sameRange } from "@guildhall/slots";
import type { Peer } from "../ports.ts";
import { type CopiedRecords, copyRecords } from "./copied-records.ts";
import { doneOutcome, type HandoffOrder, lostOutcome, refusedOutcome, takenBackOutcome } from "./handoff-outcome.ts";
import { settleEpoch } from "./settle-epoch.ts";
import type { Shard } from "./shard.ts";
import type { ChangeTools } from "./split-shard.ts";
import { pause, within } from "./waiting.ts";

/*
 * States of a move, at the host that gives the shard away:
 *
 *   preparing ──the receiver is ready──▶ copying ──lag < 20 ms, calm──▶ draining ──drained──▶ committing
 *       └──failed──▶ refused               └──not within 8 s──▶ refused    └──budget over──▶ taken back (nothing was asked)
 *
 *   committing ──the receiver's EPOCH──▶ given
 *       └──none by its word, no word, 60 ms since the seal──▶ contesting ──own EPOCH taken──▶ taken back, at e + 1
 *                                                                ├──refused: the winner is named──▶ given
 *                                                                ├──the receiver's word after all──▶ given
 *                                                                └──no answer──▶ contesting, sealed for as long as it takes
 *
 * The shard is sealed from draining on. Two EPOCHs name the same one as the last, so the journal takes one of them only:
 * by itself the giver knows that it has lost only from a refusal or from the receiver's word.
 */

/** Hands a shard over to another host. */
export async function giveShard(
  order: Order & HandoffOrder,
  shard: Shard,
  tools: ChangeTools,
): Promise<HandoffOutcome> {
  const records = copyRecords(shard);
  try {
    return await new Giver(order, shard, tools, records).run();
  } finally {
    records[Symbol.dispose]();
  }
}

const maxTopics = 2_000;
const maxLagMs = 20;
// So many records may be left for the last message: under load there always are some.
const maxLeft = 256;
const patienceMs = 8_000;
const pollMs = 20;
const takeBackMs = 60;
const receiverMs = 40;

class Giver {
  readonly #order: Order & HandoffOrder;
  readonly #shard: Shard;
  readonly #tools: ChangeTools;
  readonly #records: CopiedRecords;
  readonly #peer: Peer;
  /** The EPOCH that the receiver says it has. */
  readonly #word = Promise.withResolvers<EpochRecord>();
  #given: EpochRecord | undefined;
  #address: string | undefined;
  #number = 0n;
  #sealedMs = 0;

  constructor(order: Order & HandoffOrder, shard: Shard, tools: ChangeTools, records: CopiedRecords) {
    this.#order = order;
    this.#shard = shard;
    this.#tools = tools;
    this.#records = records;
    this.#peer = tools.parts.ports.peers.at(order.toAddress);
  }

  async run(): Promise<HandoffOutcome> {
    const reason = await this.#copy().catch((error: unknown) => `the receiver: ${toGuildhallError(error).message}`);
    if (reason !== undefined) {
      this.#abandon();
      return refusedOutcome(this.#order, reason);
    }
    return this.#handOver();
  }

  /** Gets the receiver ready, and seals in a moment when it has nearly everything. Gives the reason when that never comes. */
  async #copy(): Promise<string | undefined> {
    const { moveId, range } = this.#order;
    const { parts, sealer } = this.#tools;
    const { clock, timers } = parts.ports;
    const topics = [...this.#shard.topics.all()].reverse().slice(0, maxTopics);
    await this.#peer.begin({ moveId, range, row: this.#shard.row, topics: topics.map(({ topic }) => topic) });
    const untilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      const lagMs = await this.#send();
      if (this.#records.isOverrun) return "too much was stored meanwhile";
      let reason: string | undefined = "the receiver does not catch up";
      if (lagMs < maxLagMs && this.#records.size <= maxLeft) {
        reason = sealer.trySeal(this.#shard, "wish");
        if (reason === undefined) return undefined;
      }
      if (this.#shard.isClosed || clock.monotonicMs() >= untilMs) return reason;
      if (lagMs < maxLagMs) await pause(pollMs, timers);
    }
  }

  /** Sends what there is; how long until the receiver had it. */
  async #send(): Promise<number> {
    const records = this.#records.take();
    if (records.length === 0) return 0;
    const { clock } = this.#tools.parts.ports;
    const sentMs = clock.monotonicMs();
    this.#number++;
    await this.#peer.copy({ moveId: this.#order.moveId, number: this.#number, records });
    return clock.monotonicMs() - sentMs;
  }

  async #handOver(): Promise<HandoffOutcome> {
    const { parts, sealer } = this.#tools;
    this.#sealedMs = parts.ports.clock.monotonicMs();
    const drained = await sealer.drain(this.#shard, receiverMs);
    const records = drained ? this.#records.takeAll() : undefined;
    const budgetMs = Math.floor(receiverMs - this.#pausedMs());
    if (this.#shard.isClosed) return this.#gone(this.#shard.lostTo);
    if (records === undefined || budgetMs <= 0) return this.#open("what was on its way took too long");
    const answer = this.#peer.commit({
      ...{ moveId: this.#order.moveId, number: this.#number + 1n, records, budgetMs },
      heads: [...this.#shard.topics.all()].map(({ durableHead }) => durableHead),
      position: parts.appender.highest,
    });
    const answered = answer.then((committed) => {
      this.#given = this.#rowOf(committed);
      if (this.#given !== undefined) this.#word.resolve(this.#given);
      this.#address = committed.address;
      return committed.reason;
    });
    const said = await within(takeBackMs - this.#pausedMs(), answered, parts.ports.timers);
    return this.#given === undefined ? this.#contest(reasonOf(said)) : this.#gone(this.#given);
  }

  /** The EPOCH by which the receiver says it owns the shard, if it is the one that this move was for. */
  #rowOf({ row }: HandoffCommitted): EpochRecord | undefined {
    const { moveId, range } = this.#order;
    const isIt = row?.range !== undefined && sameRange(row.range, range) && row.moveId === moveId;
    return isIt && row.epoch > this.#shard.epoch ? row : undefined;
  }

  /** Takes the shard back, unless the receiver has it already. */
  async #contest(reason: string): Promise<HandoffOutcome> {
    const { parts, changes } = this.#tools;
    const { name: host, incarnation } = parts.config;
    const { range, row: prev } = this.#shard;
    const { moveId } = this.#order;
    const row: EpochRecord = { range, split: false, epoch: prev.epoch + 1, host, incarnation, moveId };
    const isOver = () => this.#shard.isClosed || this.#given !== undefined;
    const settled = settleEpoch({ row, prev, isOver }, parts.ports);
    const outcome = await Promise.race([settled, this.#word.promise.then(() => undefined)]);
    if (outcome?.taken && !this.#shard.isClosed) {
      this.#shard.renew(row);
      changes.served([], [this.#shard]);
      return this.#open(reason);
    }
    const winner = outcome?.taken === false ? outcome.winner : this.#shard.lostTo;
    return this.#gone(this.#given ?? winner);
  }

  #gone(owner: EpochRecord | undefined): HandoffOutcome {
    const { changes } = this.#tools;
    if (owner?.moveId === this.#order.moveId) {
      changes.given(this.#shard, owner, owner === this.#given ? this.#address : undefined);
      return doneOutcome(this.#order, this.#pausedMs());
    }
    changes.lost(this.#shard, owner);
    return lostOutcome(this.#order, `lost to ${owner?.host || "another host"}`, this.#pausedMs());
  }

  /** Goes on here. */
  #open(reason: string): HandoffOutcome {
    this.#shard.seal.lift();
    this.#abandon();
    return takenBackOutcome(this.#order, reason, this.#pausedMs());
  }

  #abandon(): void {
    // It lets go by itself after a while.
    this.#peer.abandon(this.#order.moveId).catch(() => {});
  }

  #pausedMs(): number {
    return this.#tools.parts.ports.clock.monotonicMs() - this.#sealedMs;
  }
}

function reasonOf(said: Awaited<ReturnType<typeof within<string>>>): string {
  switch (said.is) {
    case "done":
      return said.value || "the receiver has refused";
    case "failed":
      return `the receiver: ${toGuildhallError(said.error).message}`;
    case "late":
      return "the receiver has not answered in time";
    default:
      return said satisfies never;
  }
}
