import { type Attachment, lasting } from "../domain/attachment.ts";
import type { Body } from "../domain/body.ts";
import { DispatchLog, type LogRecord } from "../domain/dispatch-log.ts";
import type { TopicEvent } from "../domain/event.ts";
import { GuildTopic } from "../domain/guild-topic.ts";
import { type GuildStart, silentWriter } from "../domain/log-writer.ts";
import { bodyOf } from "../domain/resume.ts";
import { Session } from "../domain/session.ts";
import { TopicOrder } from "../domain/topic-order.ts";
import type { Bus } from "./bus.ts";
import type { Followed } from "./followed.ts";
import type { GuildFollow } from "./guild-follow.ts";

/** What a bridge uses. */
export interface BridgePorts {
  readonly bus: Pick<Bus, "refill">;
  nowMs(): number;
}

/** What a session is sent on its way over a bridge. */
export interface Crossing {
  readonly seq: number;
  readonly body: Body;
}

/** Part of the way. */
export interface Stretch {
  readonly crossings: readonly Crossing[];
  /** The index to go on from. */
  readonly index: number;
  /** All that the bridge has so far has been looked at. */
  readonly isAtEnd: boolean;
  /** The user is no longer in the guild. */
  readonly hasLeft: boolean;
}

const windowMs = 600_000;
const maxBytes = 32 * 1024 * 1024;

/**
 * A guild between the place where another gateway's sessions were cut and the place where this process has it: the same
 * class as the guild itself, with the same members, fed with what lies between by a refill and then with what the guild
 * itself is given. Each session crosses it at its own pace and joins the guild when both are at the same event.
 */
export class Bridge implements Followed {
  readonly kind = "guild";
  readonly id: bigint;
  readonly topic: GuildTopic;
  readonly order: TopicOrder;
  source = "";
  isRefilling = false;
  /** Events are missing for good: nobody can cross. */
  isLost = false;
  readonly #ports: BridgePorts;
  readonly #log = new DispatchLog({ windowMs, maxBytes });
  readonly #members = new Map<bigint, Attachment>();
  readonly #firstIndex: number;
  #waiting: (() => void)[] = [];
  #live: GuildFollow | undefined;
  #users = 0;

  constructor({ seq, shape, members }: GuildStart, ports: BridgePorts) {
    this.id = shape.guildId;
    this.#ports = ports;
    this.topic = new GuildTopic(this.id, {
      log: this.#log,
      writer: silentWriter,
      nowMs: ports.nowMs,
      onLeft() {},
      onGone() {},
    });
    this.topic.start(shape, seq);
    for (const [userId, roleIds] of members) this.#members.set(userId, this.topic.attach(standIn(userId), roleIds));
    this.#firstIndex = this.#log.index;
    this.order = new TopicOrder({ apply: (event) => this.#apply(event), applyEphemeral() {} });
    this.order.start(seq);
  }

  /** Where a session begins that has had everything up to `seq`. */
  indexAfter(seq: number): number {
    const { records } = this.topic;
    const place = records.search((record) => record.seq <= seq);
    return place === 0 ? this.#firstIndex : (records.at(place - 1) as LogRecord).index;
  }

  /** Somebody is on the way to the guild as this process has it. To be followed by `leave`. */
  enter(live: GuildFollow): void {
    this.#users++;
    this.#lead(live);
  }

  leave(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#live?.taps.delete(this);
    this.#live = undefined;
  }

  /** The guild itself was given an event. */
  offer(event: TopicEvent): void {
    this.order.offer(event);
    // Also when it is known here: the guild itself may be the one that was behind.
    this.#wake();
  }

  /** Whether it was made with this user's sessions in view. */
  leads(userId: bigint): boolean {
    return this.#members.has(userId);
  }

  lose(): void {
    this.isLost = true;
    this.#wake();
  }

  /** Resolves when there is more to look at. */
  more(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** Whether what a session needs from `index` on is no longer kept. */
  hasForgotten(index: number): boolean {
    return index < this.#log.floor;
  }

  /** What a session is sent from `index` on, of at most so many records. */
  read(session: Session, index: number, maxRecords: number): Stretch {
    const { records } = this.topic;
    const member = this.#members.get(session.userId);
    const hasEnded = member === undefined || member.to !== lasting;
    const endIndex = hasEnded ? (member?.to ?? 0) : Number.POSITIVE_INFINITY;
    const crossings: Crossing[] = [];
    const from = records.search((record) => record.index <= index);
    let last: LogRecord | undefined;
    for (let place = from; place < records.length; place++) {
      const record = records.at(place) as LogRecord;
      // What one event dispatches stays together: a session has had all of an event, or nothing.
      const isFull = place >= from + maxRecords && record.eventIndex !== last?.eventIndex;
      if (record.index > endIndex || isFull) break;
      last = record;
      const body = member && bodyOf({ session, member: member.member }, record);
      if (body !== undefined) crossings.push({ seq: record.seq, body });
    }
    const lastIndex = last?.index ?? index;
    const next = records.at(records.search((record) => record.index <= lastIndex));
    const isAtEnd = next === undefined || next.index > endIndex;
    return { crossings, index: lastIndex, isAtEnd, hasLeft: hasEnded && isAtEnd };
  }

  /** Follows the guild as this process has it, which may have been lost and begun again. */
  #lead(live: GuildFollow): void {
    if (this.#live !== live) this.#live?.taps.delete(this);
    this.#live = live;
    live.taps.add(this);
    this.order.learnHead(live.topic.seq);
    this.#ports.bus.refill(this);
  }

  #apply(event: TopicEvent): void {
    this.topic.apply(event);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** In the place of all of a user's sessions: what is sent to one of them depends on it, and on what the user sees. */
function standIn(userId: bigint): Session {
  return new Session({
    ...{ id: "", userId, tokenHash: "", slot: 0, generation: 0 },
    ...{ shardId: 0, shardCount: 1, largeThreshold: 0 },
    profile: { isBot: false, intents: 0, seesContent: false },
  });
}
