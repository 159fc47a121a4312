import { GuildhallError } from "@guildhall/errors";
import type { Command, CommandResult, EpochRecord, SlotRange } from "@guildhall/proto";
import type { HostPorts, JournalRecord } from "../ports.ts";
import type { Appender } from "./appender.ts";
import { type Applier, makeApplier } from "./applier.ts";
import type { Beats } from "./beats.ts";
import type { HostConfig } from "./host-config.ts";
import type { HostStats } from "./host-stats.ts";
import { type JournalGate, journalTakesNothing } from "./journal-gate.ts";
import { type OpenedTopic, openTopic, resultOf } from "./open-topic.ts";
import { purgeMembers } from "./purge-members.ts";
import type { RecentPool } from "./recent.ts";
import { makeRetryTable, type RetryTable, retryWindowMs } from "./retry-table.ts";
import { makeRing, type Ring } from "./ring.ts";
import { type Asker, makeTopicActor, nonceKeyOf, type TopicActor } from "./topic-actor.ts";
import { makeTopicTable, type OpenTopics, type TopicTable, thingsOf } from "./topic-table.ts";

/** What all shards of a host share. */
export interface HostParts {
  readonly ports: HostPorts;
  readonly config: HostConfig;
  readonly stats: HostStats;
  readonly appender: Appender;
  readonly gate: JournalGate;
  readonly beats: Beats;
  readonly members: RecentPool;
  readonly messages: RecentPool;
  readonly openTopics: OpenTopics;
}

/** A range of slots that this host owns at an epoch. */
export interface Shard {
  readonly owned: EpochRecord;
  readonly range: SlotRange;
  readonly applier: Applier;
  readonly ring: Ring;
  readonly retries: RetryTable;
  readonly topics: TopicTable;
  /** The actor of a topic, opened if need be. */
  actor(topic: bigint): Promise<TopicActor> | TopicActor;
  /** Decides a command once, however often it is sent. */
  command(topic: bigint, command: Command, asker: Asker): Promise<CommandResult>;
  /** Moves the watermark of an idle shard. */
  idle(): void;
  /** Lets go of everything; what waits is answered with the error. */
  close(error: GuildhallError): void;
}

/** Opens a shard that was just taken: watermark, request ids of the last minutes, and then it serves. */
export async function openShard(
  owned: EpochRecord,
  parts: HostParts,
  lost: (shard: Shard, owner: EpochRecord | undefined) => void,
): Promise<Shard> {
  const range = owned.range as SlotRange;
  const { journal, store, clock } = parts.ports;
  const sinceTs = BigInt(Math.floor(clock.nowMs() - retryWindowMs)) * 1000n;
  const retries = makeRetryTable({ max: parts.config.limits.retries, nowMs: () => clock.nowMs() });
  const { position } = await store.readWatermark(range);
  for await (const known of journal.readRetries(range, sinceTs)) {
    for (const { requestId, nonceKey, ts, result } of known) {
      retries.learn(requestId, nonceKey, ts, resultOf({ result } as JournalRecord));
    }
  }
  return new OwnedShard(owned, parts, { watermark: position, retries }, lost);
}

// How long after a failed settling a topic is looked at again, should nobody ask for it (ms).
const reopenMs = 1_000;

/** A topic whose last records have an unknown outcome. */
interface Doubt {
  readonly floor: bigint;
  readonly durableSeq: bigint;
}

class OwnedShard implements Shard {
  readonly owned: EpochRecord;
  readonly range: SlotRange;
  readonly applier: Applier;
  readonly ring: Ring;
  readonly retries: RetryTable;
  readonly topics: TopicTable;
  readonly #parts: HostParts;
  readonly #lost: (shard: Shard, owner: EpochRecord | undefined) => void;
  readonly #doubts = new Map<bigint, Doubt>();
  /** What was applied of topics while they were being opened. */
  readonly #appliedWhileOpening = new Map<bigint, bigint>();
  readonly #purging = new Set<TopicActor>();
  #closedBy: GuildhallError | undefined;

  constructor(
    owned: EpochRecord,
    parts: HostParts,
    { watermark, retries }: { readonly watermark: bigint; readonly retries: RetryTable },
    lost: (shard: Shard, owner: EpochRecord | undefined) => void,
  ) {
    const { ports, config, stats, appender, openTopics } = parts;
    const { limits } = config;
    this.owned = owned;
    this.range = owned.range as SlotRange;
    this.#parts = parts;
    this.#lost = lost;
    const { monotonicMs } = ports.clock;
    this.retries = retries;
    this.ring = makeRing({
      maxBytes: limits.ringBytes,
      maxAgeMs: limits.resumeWindowMs,
      monotonicMs: () => monotonicMs.call(ports.clock),
    });
    this.topics = makeTopicTable(openTopics);
    this.applier = makeApplier({
      range: this.range,
      epoch: owned.epoch,
      watermark,
      ports,
      stats,
      gatherMs: limits.gatherMs,
      floor: () => this.#floor(),
      highest: () => appender.highest,
      applied: (topic, seq) => this.#applied(topic, seq),
      lost: (owner) => this.#lost(this, owner),
    });
  }

  actor(topic: bigint): Promise<TopicActor> | TopicActor {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    return this.topics.get(topic) ?? this.#opened(topic);
  }

  /** The actor of a topic that is not open; one that got ready in the moment of the shard's end is let go again. */
  async #opened(topic: bigint): Promise<TopicActor> {
    const actor = await this.topics.open(topic, () => this.#open(topic));
    if (this.#closedBy === undefined) return actor;
    this.#drop(actor, this.#closedBy);
    throw this.#closedBy;
  }

  async command(topic: bigint, command: Command, asker: Asker): Promise<CommandResult> {
    const { requestId } = command;
    const nonceKey = nonceKeyOf(command);
    const { stats } = this.#parts;
    stats.commands++;
    const known = this.retries.find(requestId, nonceKey);
    if (known !== undefined) {
      stats.repeats++;
      if (known.is === "pending") return known.outcome;
      return known.is === "done" ? known.result : this.#readResult(known.topic, known.seq);
    }
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    // Nobody may have joined; the asker is answered below.
    promise.catch(() => {});
    this.retries.begin(requestId, nonceKey, promise);
    try {
      this.#checkBacklog();
      this.#checkJournal(topic);
      const found = this.actor(topic);
      const actor = found instanceof Promise ? await found : found;
      // Opening may have found it in the journal, where an earlier attempt of unknown outcome had put it.
      const result = this.#found(requestId, nonceKey) ?? (await actor.command(command, asker));
      this.#forgetUnstored(requestId, nonceKey);
      resolve(result);
      return result;
    } catch (error) {
      this.retries.forget(requestId, nonceKey);
      stats.refusals++;
      reject(error);
      throw error;
    }
  }

  idle(): void {
    this.applier.idle();
  }

  close(error: GuildhallError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.applier.stop();
    for (const actor of [...this.topics.all()]) this.#drop(actor, error);
  }

  #drop(actor: TopicActor, error: GuildhallError): void {
    actor.pipeline.close(error);
    actor.things.clear();
    this.topics.delete(actor.topic);
  }

  #found(requestId: bigint, nonceKey: string): CommandResult | undefined {
    const attempts = [this.retries.find(requestId, ""), this.retries.find(0n, nonceKey)];
    return attempts.find((attempt) => attempt?.is === "done")?.result;
  }

  /** What made no record needs no memory of it. */
  #forgetUnstored(requestId: bigint, nonceKey: string): void {
    if (this.retries.find(requestId, nonceKey)?.is === "pending") this.retries.forget(requestId, nonceKey);
  }

  #checkBacklog(): void {
    const { backlogRecords, backlogBytes } = this.#parts.config.limits;
    if (this.applier.backlog < backlogRecords && this.applier.backlogBytes < backlogBytes) return;
    throw new GuildhallError("STORE_UNAVAILABLE", "too much waits to be stored", { retryAfterMs: 1_000 });
  }

  /** A topic that is not open takes the journal to be opened: nobody is made to wait for one that takes nothing. */
  #checkJournal(topic: bigint): void {
    if (this.topics.peek(topic) === undefined && !this.#parts.gate.admits()) throw journalTakesNothing();
  }

  /** What a journaled command was answered. It was done: whatever goes wrong here must not say otherwise. */
  async #readResult(topic: bigint, seq: bigint): Promise<CommandResult> {
    const read = this.#parts.ports.journal.readTopic(topic, seq, 1);
    const { records } = await read.catch((cause: unknown) => {
      throw new GuildhallError("OUTCOME_UNKNOWN", "the journal does not give the answer now", { cause });
    });
    const record = records[0]?.record;
    if (record?.seq !== seq) throw new GuildhallError("OUTCOME_UNKNOWN", "the journal no longer holds the answer");
    return resultOf(record);
  }

  async #open(topic: bigint): Promise<TopicActor> {
    const { ports, members, messages } = this.#parts;
    this.#appliedWhileOpening.set(topic, 0n);
    try {
      const opened = await openTopic(topic, ports.journal, ports.store);
      if (this.#closedBy !== undefined) throw this.#closedBy;
      const actor = this.#makeActor(opened, thingsOf(opened, ports.store, { members, messages }));
      this.#takeUp(opened);
      actor.tail.trim(this.#appliedWhileOpening.get(topic) ?? 0n);
      if (actor.state.guild?.deleted && actor.state.guild.memberCount > 0) this.#purge(actor);
      return actor;
    } finally {
      this.#appliedWhileOpening.delete(topic);
    }
  }

  #makeActor({ head, state, tail }: OpenedTopic, things: TopicActor["things"]): TopicActor {
    const { ports, config, stats, appender, gate } = this.#parts;
    const { topic } = head;
    const actor = makeTopicActor({
      epoch: this.owned.epoch,
      head,
      state,
      things,
      tail,
      ports,
      config,
      stats,
      appender,
      gate,
      stored: (record, position, result) => this.#stored(actor, record, position, result),
      lost: (owner) => this.#lost(this, owner),
      broken: (floor) => this.#broken(topic, { floor, durableSeq: actor.durableHead.seq }),
    });
    return actor;
  }

  /** Records found at opening: the applier may lack them, and after a doubt nobody was told of them. */
  #takeUp({ head, unapplied }: OpenedTopic): void {
    const doubt = this.#doubts.get(head.topic);
    for (const { record, position } of unapplied) {
      this.applier.offer(record, position);
      if (doubt === undefined || record.seq <= doubt.durableSeq) continue;
      this.retries.learn(record.requestId, record.nonceKey, record.ts, resultOf(record));
      this.#publish(record);
    }
    this.#doubts.delete(head.topic);
  }

  #stored(actor: TopicActor, record: JournalRecord, position: bigint, result: CommandResult): void {
    this.retries.learn(record.requestId, record.nonceKey, record.ts, result);
    this.#publish(record);
    this.applier.add(record, position);
    const { guild } = actor.state;
    if (guild?.deleted && guild.memberCount > 0) this.#purge(actor);
  }

  #publish({ topic, epoch, seq, lastId, ts, event }: JournalRecord): void {
    const { beats, ports } = this.#parts;
    this.ring.add(topic, seq, event);
    beats.note({ topic, epoch, seq, lastId, lastTs: ts });
    ports.bus.publish([{ topic, of: { $case: "event", value: event }, source: "" }]);
  }

  #purge(actor: TopicActor): void {
    if (this.#purging.has(actor)) return;
    this.#purging.add(actor);
    purgeMembers(actor)
      .catch((error: unknown) => {
        this.#parts.ports.reporter.warn("letting a deleted guild's members go stopped", { topic: actor.topic, error });
      })
      .finally(() => this.#purging.delete(actor));
  }

  #broken(topic: bigint, doubt: Doubt): void {
    if (this.#closedBy !== undefined) return;
    this.#doubts.set(topic, doubt);
    this.topics.get(topic)?.things.clear();
    this.topics.delete(topic);
    this.#parts.ports.timers.after(reopenMs, () => this.#reopen(topic));
  }

  /** Settles a doubt, which holds the watermark, also when nobody asks for the topic. */
  #reopen(topic: bigint): void {
    if (this.#closedBy !== undefined || !this.#doubts.has(topic)) return;
    Promise.resolve(this.actor(topic)).catch(() => {
      this.#parts.ports.timers.after(reopenMs, () => this.#reopen(topic));
    });
  }

  #applied(topic: bigint, seq: bigint): void {
    const opening = this.#appliedWhileOpening.get(topic);
    if (opening !== undefined && seq > opening) this.#appliedWhileOpening.set(topic, seq);
    // Not a use: an actor that nobody asks for may become idle.
    this.topics.peek(topic)?.tail.trim(seq);
  }

  #floor(): bigint | undefined {
    let least: bigint | undefined;
    const take = (floor: bigint | undefined): void => {
      if (floor !== undefined && (least === undefined || floor < least)) least = floor;
    };
    for (const { pipeline } of this.topics.all()) take(pipeline.floor);
    for (const { floor } of this.#doubts.values()) take(floor);
    return least;
  }
}
