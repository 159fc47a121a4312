import { GuildhallError } from "@guildhall/errors";
import {
  type Command,
  CommandResult,
  DirectoryKind,
  EphemeralEvent,
  type EpochRecord,
  Event,
  encodeMessage,
  type Head,
  type Row,
  type ShapeChange,
} from "@guildhall/proto";
import { auditDispatch } from "../decide/audit.ts";
import { decide } from "../decide/decide.ts";
import { exposureOf } from "../decide/exposure.ts";
import { type Required, requiredBy } from "../decide/required.ts";
import { type Decision, isReservation, type Reservation, type Reserved, type Turn } from "../decide/turn.ts";
import { type Outcome, rowOf } from "../model/outcome.ts";
import { shapeChangeOf } from "../model/shape.ts";
import type { GuildState } from "../model/state.ts";
import type { HostPorts, JournalRecord } from "../ports.ts";
import type { Appender } from "./appender.ts";
import type { HostConfig } from "./host-config.ts";
import type { HostGuards } from "./host-guards.ts";
import type { HostStats } from "./host-stats.ts";
import { type JournalGate, journalTakesNothing } from "./journal-gate.ts";
import { nonceKeyOf } from "./nonce-key.ts";
import { makePipeline, type Pipeline } from "./pipeline.ts";
import { makeSlowMode } from "./slow-mode.ts";
import type { TopicTail } from "./tail.ts";
import type { TopicThings } from "./topic-things.ts";
import type { TraceRing } from "./trace-ring.ts";

/** What a read looks at, at one moment. */
export interface ReadTurn extends Pick<Turn, "state" | "actor" | "member" | "nowMs"> {
  readonly tail: TopicTail;
  /** The last event decided; the answer goes out when it is durable. */
  readonly head: Head;
}

/** Who waits for a command: since and until when (monotonic ms), and as part of what trace. */
export interface Asker {
  readonly receivedMs: number;
  readonly untilMs: number;
  readonly traceparent: string;
}

/** The shard that an actor lives in; after a split another one. */
export interface TopicHome {
  /** By which this host owns the topic now. */
  readonly epoch: number;
  /** Resolves when it is known what became of a move or split that is under way; undefined when none is. */
  whenSettled(): Promise<void> | undefined;
  /** Resolves when this host owned a topic of its at a moment after the call; undefined when its lease says so. */
  confirm(topic: bigint): Promise<void> | undefined;
  /** A record is durable: apply it, keep it for refills, publish it. Called in seq order. */
  stored(actor: TopicActor, record: JournalRecord, position: bigint, result: CommandResult): void;
  lost(owner: EpochRecord | undefined): void;
  /** The topic has to be opened anew; no record of unknown outcome lies below `floor`. */
  broken(actor: TopicActor, floor: bigint): void;
}

/** A guild: the one writer of its topic. */
export interface TopicActor {
  readonly topic: bigint;
  /** Commands that came since whoever counts them has set this to 0. */
  asked: number;
  readonly state: GuildState;
  readonly things: TopicThings;
  readonly pipeline: Pipeline;
  readonly tail: TopicTail;
  /** The last durable event. */
  readonly durableHead: Head;
  /** Seq of the last event decided. */
  readonly seq: bigint;
  /** Seq of the last event that changed what members with certain roles see. */
  readonly shapeSeq: bigint;
  /** Decides and journals; resolves when it is durable. UNAVAILABLE when the asker has gone before it was decided. */
  command(command: Command, asker: Asker): Promise<CommandResult>;
  /** Journals what the host itself has decided. */
  commit(decision: Decision): Promise<CommandResult>;
  /** Looks at one moment of the topic, with what is required in memory; resolves when that moment is durable. */
  read<T>(asker: Turn["actor"], required: Required, look: (turn: ReadTurn) => T): Promise<T>;
  /** Goes on as it is in another shard. */
  rehome(home: TopicHome): void;
}

/** What an actor is made of: its topic as opened, and the host around it. */
export interface TopicActorOptions {
  readonly home: TopicHome;
  readonly head: Head;
  readonly state: GuildState;
  readonly things: TopicThings;
  readonly tail: TopicTail;
  readonly ports: HostPorts;
  readonly config: HostConfig;
  readonly stats: HostStats;
  readonly appender: Appender;
  readonly gate: JournalGate;
  readonly guards: Pick<HostGuards, "idRule">;
  readonly trace: TraceRing;
}

// One thing loaded may name others; nothing names more than a few levels.
const maxRounds = 16;
const noRequest = { requestId: 0n, nonceKey: "", traceparent: "", receivedMs: 0 };

/** Makes the actor of an opened topic. */
export function makeTopicActor(options: TopicActorOptions): TopicActor {
  return new Actor(options);
}

class Actor implements TopicActor {
  readonly topic: bigint;
  readonly state: GuildState;
  readonly things: TopicThings;
  readonly pipeline: Pipeline;
  readonly tail: TopicTail;
  durableHead: Head;
  shapeSeq: bigint;
  asked = 0;
  readonly #options: TopicActorOptions;
  #home: TopicHome;
  #seq: bigint;
  #lastId: bigint;
  #lastTs: bigint;
  readonly #slow = makeSlowMode();

  constructor(options: TopicActorOptions) {
    const { head, state, things, tail, ports, config, stats, appender, gate } = options;
    this.#options = options;
    this.#home = options.home;
    this.topic = head.topic;
    this.state = state;
    this.things = things;
    this.tail = tail;
    this.durableHead = head;
    this.shapeSeq = head.seq;
    this.#seq = head.seq;
    this.#lastId = head.lastId;
    this.#lastTs = head.lastTs;
    const { clock, timers } = ports;
    const { settleMs } = config.limits;
    const uses = { appender, gate, clock, timers, settleMs, stats };
    this.pipeline = makePipeline({
      durableSeq: head.seq,
      ...uses,
      lost: (owner) => this.#home.lost(owner),
      broken: (floor) => this.#home.broken(this, floor),
    });
  }

  get seq(): bigint {
    return this.#seq;
  }

  rehome(home: TopicHome): void {
    this.#home = home;
  }

  async command(command: Command, asker: Asker): Promise<CommandResult> {
    let reserved: Reserved | undefined;
    const loaded = (channelId: bigint, messageId: bigint) => this.things.message(channelId, messageId);
    for (let round = 0; round < maxRounds; round++) {
      for (let waits = this.#whenReady(); waits !== undefined; waits = this.#whenReady()) await waits;
      if (this.pipeline.size >= this.#options.config.limits.inFlightPerTopic) {
        this.#options.stats.queueFull++;
        throw new GuildhallError("QUEUE_FULL", "too many records of the guild wait for the journal");
      }
      const required = requiredBy(command, loaded);
      if (!this.things.has(required)) {
        await this.things.load(required);
        continue;
      }
      if (this.#options.ports.clock.monotonicMs() >= asker.untilMs) throw nobodyWaits();
      let lastId = this.#lastId;
      const nextId = (): bigint => {
        lastId = this.#nextId(lastId);
        return lastId;
      };
      let decision: Decision | Reservation;
      try {
        decision = decide(this.#turn(command, nextId, reserved), command);
      } catch (refusal) {
        // What it goes by may be put back as long as it is not durable.
        await this.pipeline.whenDurable(this.#seq);
        throw refusal;
      }
      if (isReservation(decision)) {
        reserved = await this.#reserve(decision);
        continue;
      }
      return this.#conclude(command, decision, lastId, asker);
    }
    throw new GuildhallError("OVERLOADED", "what the command needs did not stay in memory");
  }

  /** Resolves when something may be decided; undefined when it may be now. */
  #whenReady(): Promise<void> | undefined {
    return this.#home.whenSettled() ?? this.pipeline.whenOpen();
  }

  #nextId(above: bigint): bigint {
    const { ports, guards } = this.#options;
    return guards.idRule ? ports.ids.next(above) : ports.ids.next();
  }

  #turn({ actor, reason }: Command, nextId: () => bigint, reserved: Reserved | undefined): Turn {
    return {
      state: this.state,
      actor,
      reason,
      nowMs: this.#options.ports.clock.nowMs(),
      seq: this.#seq + 1n,
      member: (userId) => this.things.member(userId),
      message: (channelId, messageId) => this.things.message(channelId, messageId),
      nextId,
      reserved,
      slowUntilMs: (userId, channelId) => this.#slow.untilMs(userId, channelId),
    };
  }

  /** Lets the directory know what is about to be made; an entry nobody comes to use names a thing that is unknown. */
  async #reserve({ reserve }: Reservation): Promise<Reserved> {
    const { directory } = this.#options.ports;
    const channelIds: bigint[] = [];
    for (let made = 0; made < reserve.channels; made++) {
      this.#lastId = this.#nextId(this.#lastId);
      channelIds.push(this.#lastId);
    }
    const entry = (kind: DirectoryKind, key: string) => ({ key: { kind, key }, topic: this.topic, cell: 0 });
    const entries = channelIds.map((id) => entry(DirectoryKind.DIRECTORY_KIND_CHANNEL, `${id}`));
    if (reserve.code !== "") entries.push(entry(DirectoryKind.DIRECTORY_KIND_INVITE, reserve.code));
    const held = await directory.put(entries);
    if (held.length !== entries.length || held.some(({ topic }) => topic !== this.topic)) {
      throw new GuildhallError("INVITE_CODE_TAKEN", "the directory knows this for another guild");
    }
    return { channelIds, code: reserve.code };
  }

  /** Journals a decision, or answers at once what needs no record. */
  async #conclude(
    command: Command,
    decision: Decision,
    lastId: bigint,
    { traceparent, receivedMs }: Asker,
  ): Promise<CommandResult> {
    if (decision.outcomes.length > 0) {
      if (!this.#options.gate.admits()) throw journalTakesNothing();
      if (decision.slow !== undefined) this.#slow.slow(decision.slow);
      const { requestId } = command;
      return this.#journal(decision, lastId, { requestId, nonceKey: nonceKeyOf(command), traceparent, receivedMs });
    }
    const seq = this.#seq;
    await this.pipeline.whenDurable(seq);
    const [typing] = decision.dispatches;
    if (typing !== undefined) {
      await this.#home.confirm(this.topic);
      await this.pipeline.whenOpen();
      const { topic, durableHead } = this;
      const ephemeral = encodeMessage(EphemeralEvent, { topic, asOf: durableHead.seq, dispatch: typing });
      this.#options.ports.bus.publish([{ topic, of: { $case: "ephemeral", value: ephemeral }, source: "" }]);
    }
    const { status, json } = decision;
    return { position: undefined, status, json };
  }

  async commit(decision: Decision): Promise<CommandResult> {
    for (let waits = this.#whenReady(); waits !== undefined; waits = this.#whenReady()) await waits;
    return this.#journal(decision, this.#lastId, noRequest);
  }

  #journal(
    decision: Decision,
    lastId: bigint,
    { requestId, nonceKey, traceparent, receivedMs }: typeof noRequest,
  ): Promise<CommandResult> {
    const { topic } = this;
    const { ports } = this.#options;
    const { epoch } = this.#home;
    const seq = this.#seq + 1n;
    const nowUs = BigInt(Math.floor(ports.clock.nowMs() * 1000));
    const ts = nowUs > this.#lastTs ? nowUs : this.#lastTs + 1n;
    const { changes, dispatches } = this.#apply(decision);
    const rows: Row[] = [];
    for (const outcome of decision.outcomes) rows.push(rowOf(outcome, { topic, epoch, seq, ts }));
    const made = madeMessage(decision, this.#lastId);
    if (lastId > this.#lastId) this.#lastId = lastId;
    this.#seq = seq;
    this.#lastTs = ts;
    if (changes.some(isForOthers)) this.shapeSeq = seq;
    this.tail.add(seq, rows);
    const result: CommandResult = { position: { topic, epoch, seq }, status: decision.status, json: decision.json };
    const event = encodeMessage(Event, { topic, epoch, seq, dispatches, changes, userChanges: [], traceparent });
    const record: JournalRecord = {
      topic,
      epoch,
      seq,
      ts,
      lastId: this.#lastId,
      requestId,
      nonceKey,
      result: encodeMessage(CommandResult, result),
      rows,
      event,
    };
    return this.#send(
      record,
      result,
      made === undefined ? -1 : this.#options.trace.begin(made, topic, seq, receivedMs),
    );
  }

  #send(record: JournalRecord, result: CommandResult, traced: number): Promise<CommandResult> {
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    const { topic, epoch, seq, lastId, ts } = record;
    this.pipeline.push({
      record,
      sizeBytes: record.event.length * 2 + record.result.length,
      stored: (position) => {
        this.durableHead = { topic, epoch, seq, lastId, lastTs: ts };
        this.#options.trace.journaled(traced);
        this.#home.stored(this, record, position, result);
        this.#options.trace.published(traced);
        resolve(result);
      },
      failed: reject,
    });
    return promise;
  }

  /** Assigns the outcomes; what the event says of them. */
  #apply({ outcomes, dispatches }: Decision): { changes: ShapeChange[]; dispatches: Decision["dispatches"][number][] } {
    const all = [...dispatches];
    const changes: ShapeChange[] = [];
    const exposure = outcomes.some(isOfShape)
      ? exposureOf(this.state, outcomes, (userId) => this.things.member(userId))
      : undefined;
    for (const outcome of outcomes) {
      const change = shapeChangeOf(outcome, this.state);
      if (change !== undefined) changes.push(change);
      this.state.assign(outcome);
      this.things.assign(outcome);
      if (outcome.of === "audit") all.push(auditDispatch(this.topic, outcome.entry));
    }
    if (exposure !== undefined) all.push(...exposure.dispatches());
    return { changes, dispatches: all };
  }

  async read<T>(asker: Turn["actor"], required: Required, look: (turn: ReadTurn) => T): Promise<T> {
    for (let round = 0; !this.things.has(required); round++) {
      if (round >= maxRounds) throw new GuildhallError("OVERLOADED", "what the read needs did not stay in memory");
      await this.things.load(required);
    }
    const seq = this.#seq;
    try {
      return look({
        state: this.state,
        actor: asker,
        member: (userId) => this.things.member(userId),
        nowMs: this.#options.ports.clock.nowMs(),
        tail: this.tail,
        head: { topic: this.topic, epoch: this.#home.epoch, seq, lastId: this.#lastId, lastTs: this.#lastTs },
      });
    } finally {
      // Also before a refusal: what it goes by may be put back.
      await this.pipeline.whenDurable(seq);
    }
  }
}

/** The message that a decision makes: its id is above all earlier ones. */
function madeMessage({ outcomes }: Decision, above: bigint): bigint | undefined {
  for (const outcome of outcomes) {
    if (outcome.of === "message" && outcome.message.messageId > above) return outcome.message.messageId;
  }
  return undefined;
}

/** Its asker was told that nothing is known, and may have sent it again: that one is decided. */
function nobodyWaits(): GuildhallError {
  return new GuildhallError("UNAVAILABLE", "nobody waits for this any more");
}

/** Whether a change reaches beyond one member. */
function isForOthers({ of }: ShapeChange): boolean {
  return of?.$case !== "memberRoles" && of?.$case !== "memberGone";
}

function isOfShape({ of }: Outcome): boolean {
  return of === "guild" || of === "role" || of === "role-gone" || of === "channel" || of === "member";
}
