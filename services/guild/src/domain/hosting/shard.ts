import { GuildhallError } from "@guildhall/errors";
import type { Command, CommandResult, EpochRecord, Head, SlotRange } from "@guildhall/proto";
import type { JournalRecord } from "../ports.ts";
import { type Applier, makeApplier, type StoredRecord, type Unapplied } from "./applier.ts";
import { makeDoubts } from "./doubts.ts";
import { type ExpectedTopics, makeExpectedTopics } from "./expected-topics.ts";
import type { HostParts } from "./host-parts.ts";
import { type OpenedTopic, openTopic, resultOf } from "./open-topic.ts";
import { purgeMembers } from "./purge-members.ts";
import type { RetryTable } from "./retry-table.ts";
import type { Ring } from "./ring.ts";
import { makeShardCommands, type ShardCommands } from "./shard-commands.ts";
import { makeShardSeal, type ShardSeal } from "./shard-seal.ts";
import { type Asker, makeTopicActor, type TopicActor, type TopicHome } from "./topic-actor.ts";
import { makeTopicTable, type TopicTable, thingsOf } from "./topic-table.ts";

/** A range of slots that this host owns. */
export interface Shard extends TopicHome {
  readonly range: SlotRange;
  /** The EPOCH that it is owned by; after a split its range is the parent's. */
  readonly row: EpochRecord;
  readonly seal: ShardSeal;
  readonly applier: Applier;
  readonly ring: Ring;
  readonly retries: RetryTable;
  readonly topics: TopicTable;
  /** What it has done since it was last asked: requests, commands among them, and bytes of events. */
  readonly work: ShardWork;
  readonly isClosed: boolean;
  /** Who is known to have it, once it is closed. */
  readonly lostTo: EpochRecord | undefined;
  /** The actor of a topic, opened if need be. */
  actor(topic: bigint): Promise<TopicActor> | TopicActor;
  /** Decides a command once, however often it is sent. */
  command(topic: bigint, command: Command, asker: Asker): Promise<CommandResult>;
  /** Moves the watermark of an idle shard. */
  idle(): void;
  /** Why it must not change hands now: a topic's records are not settled. */
  unrest(): string | undefined;
  /** Resolves when nothing is on its way to the journal. Rejects when something turns out not to be stored. */
  drained(): Promise<void>;
  /** Goes on by a later EPOCH of this process. */
  renew(row: EpochRecord): void;
  /** Tells of each record that is stored from now on. */
  follow(listener: (stored: StoredRecord) => void): Disposable;
  /** The end of a topic that is in memory. */
  headOf(topic: bigint): Head | undefined;
  /** Takes in topics that were read for it before it came, those used last at the end. */
  expect(topics: readonly OpenedTopic[]): void;
  /** Takes over an actor as it is. */
  house(actor: TopicActor): void;
  /** Lets go of everything; what waits is answered with the error, or looks for the topic anew. */
  close(error: GuildhallError, owner?: EpochRecord): void;
  /** Ends it and leaves its actors as they are, for its halves. */
  dissolve(): { readonly actors: readonly TopicActor[]; readonly unapplied: Unapplied };
}

/** What a shard has done. */
export interface ShardWork {
  requests: number;
  commands: number;
  bytes: number;
}

/** What a shard begins with. */
export interface ShardBeginning {
  readonly range: SlotRange;
  readonly row: EpochRecord;
  readonly unapplied: Unapplied;
  readonly retries: RetryTable;
  readonly ring: Ring;
}

// How long after a failed settling a topic is looked at again, should nobody ask for it (ms).
const reopenMs = 1_000;

/** Makes a shard that serves at once. */
export function makeShard(beginning: ShardBeginning, parts: HostParts): Shard {
  return new OwnedShard(beginning, parts);
}

class OwnedShard implements Shard {
  readonly range: SlotRange;
  row: EpochRecord;
  readonly seal: ShardSeal;
  readonly applier: Applier;
  readonly ring: Ring;
  readonly retries: RetryTable;
  readonly topics: TopicTable;
  readonly work: ShardWork = { requests: 0, commands: 0, bytes: 0 };
  lostTo: EpochRecord | undefined;
  readonly #parts: HostParts;
  readonly #commands: ShardCommands;
  readonly #doubts = makeDoubts();
  readonly #followers = new Set<(stored: StoredRecord) => void>();
  /** What was applied of topics while they were being opened. */
  readonly #appliedWhileOpening = new Map<bigint, bigint>();
  readonly #expected: ExpectedTopics;
  #closedBy: GuildhallError | undefined;

  constructor({ range, row, unapplied, retries, ring }: ShardBeginning, parts: HostParts) {
    const { ports, config, stats, appender, openTopics, sealed } = parts;
    const { limits, incarnation } = config;
    this.range = range;
    this.row = row;
    this.retries = retries;
    this.ring = ring;
    this.#parts = parts;
    this.#commands = makeShardCommands(this, parts);
    const { waitingRequests: maxRequests, waitingBytes: maxBytes } = limits;
    this.seal = makeShardSeal({ maxRequests, maxBytes, sealed, stats });
    this.topics = makeTopicTable(openTopics);
    this.#expected = makeExpectedTopics({
      timers: ports.timers,
      adopt: (opened) => openTopics.size < openTopics.max && this.#adopt(opened) !== undefined,
    });
    this.applier = makeApplier({
      range,
      epoch: () => this.row.epoch,
      unapplied,
      isOwn: (owner) => owner?.incarnation === incarnation,
      ports,
      stats,
      gatherMs: limits.gatherMs,
      floor: () => this.#floor(),
      highest: () => appender.highest,
      applied: (topic, seq) => this.#applied(topic, seq),
      lost: (owner) => this.lost(owner),
    });
  }

  get epoch(): number {
    return this.row.epoch;
  }

  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  actor(topic: bigint): Promise<TopicActor> | TopicActor {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    return this.topics.get(topic) ?? this.#claimed(topic) ?? this.#opened(topic);
  }

  #claimed(topic: bigint): TopicActor | undefined {
    const opened = this.#expected.claim(topic);
    const { size, max } = this.#parts.openTopics;
    return opened === undefined || size >= max ? undefined : this.#adopt(opened);
  }

  /** The actor of a topic that is not open; one that got ready in the moment of the shard's end is let go again. */
  async #opened(topic: bigint): Promise<TopicActor> {
    const actor = await this.topics.open(topic, () => this.#open(topic));
    if (this.#closedBy === undefined) return actor;
    this.#drop(actor, this.#closedBy);
    throw this.#closedBy;
  }

  command(topic: bigint, command: Command, asker: Asker): Promise<CommandResult> {
    return this.#commands.run(topic, command, asker);
  }

  idle(): void {
    this.applier.idle();
  }

  whenSettled(): Promise<void> | undefined {
    return this.seal.whenOver();
  }

  confirm(topic: bigint): Promise<void> | undefined {
    return this.#parts.confirm(topic);
  }

  unrest(): string | undefined {
    if (this.#doubts.size > 0) return "records of unknown outcome are being settled";
    for (const { pipeline } of this.topics.all()) {
      if (pipeline.state !== "open") return "records are being settled";
    }
    return undefined;
  }

  async drained(): Promise<void> {
    const waits: (Promise<void> | undefined)[] = [];
    for (const { pipeline, seq } of this.topics.all()) waits.push(pipeline.whenDurable(seq));
    await Promise.all(waits);
  }

  renew(row: EpochRecord): void {
    this.row = row;
  }

  follow(listener: (stored: StoredRecord) => void): Disposable {
    this.#followers.add(listener);
    return { [Symbol.dispose]: () => void this.#followers.delete(listener) };
  }

  headOf(topic: bigint): Head | undefined {
    return this.topics.peek(topic)?.durableHead ?? this.#expected.head(topic);
  }

  expect(topics: readonly OpenedTopic[]): void {
    this.#expected.expect(topics);
  }

  #adopt(opened: OpenedTopic): TopicActor {
    const { ports, members, messages } = this.#parts;
    const actor = this.#makeActor(opened, thingsOf(opened, ports.store, { members, messages }));
    this.topics.put(actor);
    this.#purgeIfDeleted(actor);
    return actor;
  }

  house(actor: TopicActor): void {
    actor.rehome(this);
    this.topics.put(actor);
  }

  close(error: GuildhallError, owner?: EpochRecord): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.lostTo = owner;
    this.applier.stop();
    this.#expected.clear();
    for (const actor of [...this.topics.all()]) this.#drop(actor, error);
    this.#followers.clear();
    this.seal.lift();
  }

  dissolve(): { readonly actors: readonly TopicActor[]; readonly unapplied: Unapplied } {
    // Whoever is on the way into it looks for the topic anew.
    this.#closedBy = new GuildhallError("NOT_OWNER", "the shard was split");
    // Those that are no actors yet are opened when they are asked for.
    this.#expected.clear();
    const actors = [...this.topics.all()];
    for (const { topic } of actors) this.topics.delete(topic);
    this.#followers.clear();
    return { actors, unapplied: this.applier.handOver() };
  }

  #drop(actor: TopicActor, error: GuildhallError): void {
    actor.pipeline.close(error);
    actor.things.clear();
    this.topics.delete(actor.topic);
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
      this.#purgeIfDeleted(actor);
      return actor;
    } finally {
      this.#appliedWhileOpening.delete(topic);
    }
  }

  #makeActor({ head, state, tail }: OpenedTopic, things: TopicActor["things"]): TopicActor {
    const { ports, config, stats, appender, gate, guards, trace } = this.#parts;
    const parts = { ports, config, stats, appender, gate, guards, trace };
    return makeTopicActor({ home: this, head, state, things, tail, ...parts });
  }

  /** Records found at opening: the applier may lack them, and after a doubt nobody was told of them. */
  #takeUp({ head, unapplied }: OpenedTopic): void {
    const doubt = this.#doubts.get(head.topic);
    for (const { record, position } of unapplied) {
      this.applier.offer(record, position);
      if (doubt === undefined || record.seq <= doubt.durableSeq) continue;
      this.retries.learn(record.requestId, record.nonceKey, record.ts, resultOf(record));
      this.#publish(record);
      this.#tell({ record, position });
    }
    this.#doubts.delete(head.topic);
  }

  stored(actor: TopicActor, record: JournalRecord, position: bigint, result: CommandResult): void {
    this.retries.learn(record.requestId, record.nonceKey, record.ts, result);
    this.#publish(record);
    this.applier.add(record, position);
    if (this.#followers.size > 0) this.#tell({ record, position });
    this.#purgeIfDeleted(actor);
  }

  #tell(stored: StoredRecord): void {
    for (const listener of this.#followers) listener(stored);
  }

  #publish({ topic, epoch, seq, lastId, ts, event }: JournalRecord): void {
    const { beats, ports } = this.#parts;
    this.work.bytes += event.length;
    this.ring.add(topic, seq, event);
    beats.note({ topic, epoch, seq, lastId, lastTs: ts });
    ports.bus.publish([{ topic, of: { $case: "event", value: event }, source: "" }]);
  }

  #purgeIfDeleted(actor: TopicActor): void {
    const { purging, ports } = this.#parts;
    const { guild } = actor.state;
    if (!guild?.deleted || guild.memberCount === 0 || purging.has(actor)) return;
    purging.add(actor);
    purgeMembers(actor)
      .catch((error: unknown) => {
        ports.reporter.warn("letting a deleted guild's members go stopped", { topic: actor.topic, error });
      })
      .finally(() => purging.delete(actor));
  }

  lost(owner: EpochRecord | undefined): void {
    this.#parts.lost(this, owner);
  }

  broken({ topic, durableHead }: TopicActor, floor: bigint): void {
    if (this.#closedBy !== undefined) return;
    this.#doubts.set(topic, { floor, durableSeq: durableHead.seq });
    this.topics.get(topic)?.things.clear();
    this.topics.delete(topic);
    this.#parts.ports.timers.after(reopenMs, () => this.#reopen(topic));
  }

  /** Settles a doubt, which holds the watermark, also when nobody asks for the topic. */
  #reopen(topic: bigint): void {
    if (this.#closedBy !== undefined || this.#doubts.get(topic) === undefined) return;
    Promise.resolve(this.actor(topic)).catch(() => {
      this.#parts.ports.timers.after(reopenMs, () => this.#reopen(topic));
    });
  }

  #applied(topic: bigint, seq: bigint): void {
    this.#parts.trace.stored(topic, seq);
    const opening = this.#appliedWhileOpening.get(topic);
    if (opening !== undefined && seq > opening) this.#appliedWhileOpening.set(topic, seq);
    // Not a use: an actor that nobody asks for may become idle.
    this.topics.peek(topic)?.tail.trim(seq);
    this.#expected.trim(topic, seq);
  }

  #floor(): bigint | undefined {
    let least = this.#doubts.floor;
    for (const { pipeline } of this.topics.all()) {
      const { floor } = pipeline;
      if (floor !== undefined && (least === undefined || floor < least)) least = floor;
    }
    return least;
  }
}
