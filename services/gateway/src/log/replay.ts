import { ownDispatch } from "../dispatch/render.ts";
import { Body, Segment } from "../domain/body.ts";
import { keepTogether } from "../domain/byte-shelf.ts";
import type { DispatchLog, LogLimits } from "../domain/dispatch-log.ts";
import type { EndReason, GuildStart, OwnOrigin, PendingTopic } from "../domain/log-writer.ts";
import type { Profiles } from "../domain/profile.ts";
import { type GuildJoin, Session } from "../domain/session.ts";
import { ByteReader } from "./byte-reader.ts";
import { type Input, keyOf, type SessionInput } from "./input.ts";
import type { Damage, LogSink } from "./log-reader.ts";
import { readInput } from "./read-input.ts";
import { differs, expectAt, ReplayedTopics } from "./replayed-topics.ts";

/** What replaying uses. */
export interface ReplayPorts {
  readonly limits: LogLimits;
  readonly profiles: Profiles;
  readonly onDamage: (damage: Damage) => void;
  /** A session is handed over at this very place of the log. */
  readonly onHandedOver: (found: Replayed) => void;
}

interface ReplayedBody {
  readonly body: Body;
  readonly origin: OwnOrigin | undefined;
}

type ReplayedStart = GuildStart & { readonly members: Map<bigint, readonly bigint[]> };

/** How a session came to its end. */
export interface Ended {
  readonly reason: EndReason;
  readonly generation: number;
}

/** A session as a log has it. */
export interface Replayed {
  readonly session: Session;
  /** Since when it is without a client (Unix ms), by the log. */
  cutMs: number | undefined;
  /** Topics that it had still to join where it was, by kind and id. */
  readonly pending: Map<string, PendingTopic>;
  readonly joining: Map<bigint, GuildJoin>;
}

// Sessions that came to their end, of which this is remembered.
const maxGone = 200_000;

type Of<K extends Input["kind"]> = Input & { readonly kind: K };
/** Records that begin with the slot of a session that is known. */
type SlotKind = "attached" | "left" | "cut" | "relinked" | "ended" | "own" | "shed" | "joining" | "join-over";

/**
 * The core of another gateway, made once more from the inputs in its log: the same topics and sessions, of the same classes,
 * but nobody is connected. What the log's first segments do not tell of yet is left out until they do.
 */
export class Replay implements LogSink {
  readonly #ports: ReplayPorts;
  readonly #sessions = new Map<string, Replayed>();
  readonly #slots = new Map<number, Replayed>();
  readonly #gone = new Map<string, Ended>();
  readonly #bodies = new Map<number, ReplayedBody>();
  readonly #starts = new Map<number, ReplayedStart>();
  #topics: ReplayedTopics;
  #atMs = 0;
  #firstMs: number | undefined;
  #isWhole = true;

  constructor(ports: ReplayPorts) {
    this.#ports = ports;
    this.#topics = this.#makeTopics();
  }

  get log(): DispatchLog {
    return this.#topics.log;
  }

  /** When the last block was written (Unix ms). */
  get atMs(): number {
    return this.#atMs;
  }

  /** When it began (Unix ms), or went on after a hole: what happened before is not known. */
  get firstMs(): number | undefined {
    return this.#firstMs;
  }

  /** Whether nothing is missing between the log's beginning and what was read last. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  find(sessionId: string): Replayed | undefined {
    return this.#sessions.get(sessionId);
  }

  /** How a session came to its end, when it did. */
  endOf(sessionId: string): Ended | undefined {
    return this.#gone.get(sessionId);
  }

  segment(atMs: number, number: number): void {
    if (this.#firstMs === undefined && number > 1) this.#isWhole = false;
    this.#firstMs ??= atMs;
    this.#bodies.clear();
    this.#starts.clear();
  }

  block(payload: Buffer): void {
    const reader = new ByteReader(payload);
    this.#atMs = reader.f64();
    while (!reader.isAtEnd) this.#apply(readInput(reader));
  }

  /** Nothing that was is of use: sessions and topics are to be told of anew. */
  hole(): void {
    this.#sessions.clear();
    this.#slots.clear();
    this.#topics = this.#makeTopics();
    this.#firstMs = undefined;
    this.#isWhole = false;
  }

  damage(damage: Damage): void {
    this.#ports.onDamage(damage);
  }

  #apply(input: Input): void {
    switch (input.kind) {
      case "topic":
        this.#topics.start(input);
        return;
      case "topic-ended":
        this.#topics.end(input.topic);
        return;
      case "event":
        this.#topics.apply(input);
        return;
      case "ephemeral":
        this.#topics.applyEphemeral(input);
        return;
      case "session":
        this.#session(input);
        return;
      case "body":
        this.#bodies.set(input.number, { body: bodyOf(input.bytes, true), origin: input.origin });
        return;
      case "start":
        this.#starts.set(input.number, { seq: input.seq, shape: input.shape, members: new Map() });
        return;
      case "checkpoint":
        this.#checkpoint(input);
        return;
      case "hole":
        this.hole();
        this.#firstMs = this.#atMs;
        return;
      default:
        this.#ofSession(input);
        return;
    }
  }

  #ofSession(input: Of<SlotKind>): void {
    const found = this.#slots.get(input.slot);
    if (found === undefined) return;
    switch (input.kind) {
      case "attached":
        this.#attached(found, input);
        return;
      case "left":
        found.pending.delete(keyOf(input.of, input.topic));
        return;
      case "cut":
      case "relinked":
        found.session.s = input.s;
        found.session.cutIndex = input.index;
        found.cutMs = input.kind === "cut" ? this.#atMs : undefined;
        return;
      case "ended":
        this.#ended(found, input.reason);
        return;
      case "own":
        this.#own(found, input);
        return;
      case "shed":
        found.session.toggleShedding(input.index);
        return;
      case "joining":
        found.joining.set(input.guildId, { wasAnnounced: input.wasAnnounced, isOutdated: false, isUnwanted: false });
        return;
      case "join-over":
        found.joining.delete(input.guildId);
        return;
      default:
        input satisfies never;
    }
  }

  #session(input: SessionInput): void {
    const { seed, index, guilds, userSeq } = input;
    if (this.#slots.get(seed.slot)?.session.id === seed.id) return;
    const topics = guilds.map(({ id }) => this.#topics.guild(id));
    // Told of once more when all of its guilds have been.
    if (topics.some((topic) => topic === undefined)) return;
    this.#topics.jumpTo(index);
    const session = new Session({ ...seed, profile: this.#ports.profiles.intern(seed.profile) });
    session.s = input.s;
    session.startS = input.s;
    session.startIndex = index;
    if (input.isShedding) session.toggleShedding(index);
    if (userSeq !== undefined) this.#topics.user(seed.userId, userSeq).attach(session);
    guilds.forEach(({ roleIds }, place) => void topics[place]?.attach(session, roleIds));
    const found: Replayed = { session, cutMs: undefined, pending: new Map(), joining: new Map() };
    for (const { guildId, wasAnnounced } of input.joining) {
      found.joining.set(guildId, { wasAnnounced, isOutdated: false, isUnwanted: false });
    }
    for (const { kind, id, progress, start: number, roleIds } of input.pending) {
      const start = this.#starts.get(number);
      start?.members.set(seed.userId, roleIds);
      found.pending.set(keyOf(kind, id), { kind, id, progress, start });
    }
    const other = this.#slots.get(seed.slot);
    if (other !== undefined) this.#forget(other);
    this.#slots.set(seed.slot, found);
    this.#sessions.set(session.id, found);
    this.#gone.delete(session.id);
  }

  #attached(found: Replayed, { of, index, topic: id, seq, roleIds }: Of<"attached">): void {
    found.pending.delete(keyOf(of, id));
    const topic = of === "guild" ? this.#topics.guild(id) : this.#topics.user(id, seq);
    // It is told of anew later, like the topic.
    if (topic === undefined) {
      this.#forget(found);
      return;
    }
    expectAt(topic, seq);
    this.#topics.jumpTo(index);
    topic.attach(found.session, roleIds);
  }

  #ended(found: Replayed, reason: EndReason): void {
    if (reason === "handed over") this.#ports.onHandedOver(found);
    this.#gone.set(found.session.id, { reason, generation: found.session.generation });
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= maxGone) break;
      this.#gone.delete(oldest);
    }
    this.#forget(found);
  }

  #own({ session, pending }: Replayed, input: Of<"own">): void {
    const { index } = input;
    const shared = typeof input.body === "number" ? this.#bodies.get(input.body) : undefined;
    const own = typeof input.body === "number" ? undefined : bodyOf(input.body, false);
    const made = shared?.body ?? own;
    if (made === undefined) throw differs(`there is no body ${String(input.body)}`);
    const origin = shared?.origin ?? input.origin;
    this.#topics.jumpTo(index);
    const eventIndex = this.log.beginEvent();
    this.log.append(session, { eventIndex, seq: 0, dispatch: ownDispatch(made), isEphemeral: false }, this.#atMs);
    if (origin === undefined) return;
    const key = keyOf(origin.kind, origin.topic);
    const known = pending.get(key);
    if (known !== undefined) pending.set(key, { ...known, progress: origin.seq });
  }

  #checkpoint({ index, counters }: Of<"checkpoint">): void {
    this.#topics.jumpTo(index);
    this.log.expire(this.#atMs);
    this.log.addCheckpoint(counters, this.#atMs);
    for (const { session } of this.#sessions.values()) session.trim(this.log.floor);
    this.#topics.tidy();
  }

  #makeTopics(): ReplayedTopics {
    return new ReplayedTopics(this.#ports.limits, () => this.#atMs);
  }

  #forget({ session }: Replayed): void {
    session.hasEnded = true;
    for (const attachment of session.attachments) attachment.topic.detach(attachment);
    this.#slots.delete(session.slot);
    this.#sessions.delete(session.id);
  }
}

function bodyOf(bytes: Uint8Array, isShared: boolean): Body {
  return new Body([new Segment(keepTogether([bytes]), isShared)]);
}
