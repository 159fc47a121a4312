import type { Clock, Timers } from "@guildhall/lifecycle";
import type { RouterClient, Subscriber } from "@guildhall/rpc";
import type { DispatchLog } from "../domain/dispatch-log.ts";
import { everyGuard, type GatewayGuards } from "../domain/guards.ts";
import type { GuildTopic } from "../domain/guild-topic.ts";
import type { LogWriter } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import type { Bus } from "./bus.ts";
import type { TopicReads } from "./followed.ts";
import { GuildFollow, type Joined } from "./guild-follow.ts";

/** What the guild topics use. */
export interface GuildTopicsPorts {
  readonly log: DispatchLog;
  readonly writer: LogWriter;
  readonly bus: Bus;
  readonly subscriber: Pick<Subscriber, "subscribe" | "unsubscribe">;
  readonly router: Pick<RouterClient, "call">;
  readonly reads: TopicReads;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Events of a guild are gone for good: these sessions cannot go on. */
  readonly onLost: (sessions: readonly Session[]) => void;
  readonly onJoined: (result: "joined" | "not a member" | "overtaken" | "failed") => void;
}

/** Topics without sessions are kept this long. */
const graceMs = 60_000;
// So many times may changes overtake a join; then the topic waits for it.
const maxOvertaken = 2;
const minPauseMs = 100;
const maxPauseMs = 2_000;

/** The guilds that sessions of this process are in. */
export class GuildTopics {
  readonly #ports: GuildTopicsPorts;
  readonly #guards: Pick<GatewayGuards, "confirmedJoin">;
  readonly #follows = new Map<bigint, { readonly follow: GuildFollow; readonly confirmed: Promise<void> }>();

  constructor(ports: GuildTopicsPorts, guards: Pick<GatewayGuards, "confirmedJoin"> = everyGuard) {
    this.#ports = ports;
    this.#guards = guards;
  }

  get count(): number {
    return this.#follows.size;
  }

  /** Follows a guild, if nobody does yet; resolves when what happens from now on comes in. It need not have started. */
  async open(guildId: bigint): Promise<GuildFollow> {
    const { follow, confirmed } = this.#follows.get(guildId) ?? this.#open(guildId);
    if (this.#guards.confirmedJoin) await confirmed;
    return follow;
  }

  /** Whether this is how the guild is followed now. */
  has(follow: GuildFollow): boolean {
    return this.#follows.get(follow.id)?.follow === follow;
  }

  /** Every guild's topic, also those that have not started. */
  *all(): Generator<GuildTopic> {
    for (const { follow } of this.#follows.values()) yield follow.topic;
  }

  /** Different views, over all guilds. */
  viewCount(): number {
    let views = 0;
    for (const { follow } of this.#follows.values()) views += follow.topic.viewCount;
    return views;
  }

  /** Attaches a session to a guild, trying until it is, the user is no member, or `isWanted` says no more. */
  async join(
    session: Session,
    guildId: bigint,
    give: (joined: Joined) => void,
    isWanted: () => boolean,
  ): Promise<"joined" | "not a member" | "unwanted"> {
    let pauseMs = minPauseMs;
    let overtaken = 0;
    while (isWanted()) {
      const result = await this.#tryJoin(session, guildId, overtaken >= maxOvertaken, give);
      this.#ports.onJoined(result === "again" ? "overtaken" : result);
      if (result !== "again" && result !== "failed") return result;
      if (result === "again" && ++overtaken <= maxOvertaken) continue;
      await new Promise<void>((resolve) => void this.#ports.timers.after(pauseMs, resolve));
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    }
    return "unwanted";
  }

  /** Drops guilds that have had no sessions for long. */
  tidy(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const { follow } of this.#follows.values()) {
      follow.joins.tidy();
      if (!follow.isIdle) follow.idleSinceMs = undefined;
      else follow.idleSinceMs ??= nowMs;
      if (follow.idleSinceMs !== undefined && nowMs - follow.idleSinceMs >= graceMs) this.#drop(follow);
    }
  }

  async #tryJoin(session: Session, guildId: bigint, isHeld: boolean, give: (joined: Joined) => void) {
    const { follow, confirmed } = this.#follows.get(guildId) ?? this.#open(guildId);
    try {
      if (this.#guards.confirmedJoin) await confirmed;
      return await follow.tryJoin(session, isHeld, give);
    } catch {
      return "failed";
    }
  }

  #open(guildId: bigint) {
    const { log, writer, bus, subscriber, router, reads, clock, timers } = this.#ports;
    const follow: GuildFollow = new GuildFollow(guildId, {
      log,
      writer,
      router,
      reads,
      timers,
      nowMs: () => clock.monotonicMs(),
      onLeft: () => {},
      onLost: (lost) => {
        this.#drop(lost);
        this.#ports.onLost(lost.topic.detachAll());
      },
      onGone: (gone) => this.#drop(gone),
    });
    bus.follow(follow);
    const confirmed = subscriber.subscribe(guildId);
    confirmed.catch(() => this.#drop(follow));
    const entry = { follow, confirmed };
    this.#follows.set(guildId, entry);
    return entry;
  }

  #drop(follow: GuildFollow): void {
    if (this.#follows.get(follow.id)?.follow !== follow) return;
    this.#follows.delete(follow.id);
    this.#ports.bus.unfollow(follow.id);
    this.#ports.subscriber.unsubscribe(follow.id);
    if (follow.topic.hasShape) this.#ports.writer.topicEnded(follow.id);
  }
}
