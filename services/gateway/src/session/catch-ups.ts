import { GuildhallError } from "@guildhall/errors";
import type { GatewayContext } from "../context.ts";
import type { PendingTopic, Unfinished } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import { catchUpGuild, type GuildWay } from "./catch-up-guild.ts";
import { type Crossed, catchUpUser, type UserWay } from "./catch-up-user.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { invalidate } from "./end.ts";
import { guildListener, joinGuild } from "./guild-joins.ts";

// How long the user topic goes first. It is a matter of order: guilds do not wait for accounts that are away.
const userFirstMs = 1_000;
// An owner's failover takes 10 s at most; after this long the way to a topic is held to be lost.
const patienceMs = 60_000;
const guildsAtOnce = 64;
const minPauseMs = 50;
const maxPauseMs = 2_000;

/** A guild that a session is on its way to, and whether it is to be joined anew after it. */
interface OnTheWay {
  joinAfter: { readonly wasAnnounced: boolean } | undefined;
}

/** Brings sessions that come from other gateways to where this one is in each of their topics. */
export class CatchUps {
  readonly #underWay = new Map<Session, Map<bigint, OnTheWay>>();

  /** Sessions that are not everywhere yet. */
  get count(): number {
    return this.#underWay.size;
  }

  /** Begins with a session that was just adopted. */
  start(context: GatewayContext, session: Session, unfinished: Unfinished): void {
    void this.#run(context, session, unfinished).catch((error: unknown) => {
      this.#underWay.delete(session);
      if (session.hasEnded) return;
      context.metrics.catchUps.inc({ result: "lost" });
      context.log.warn({ err: error, session: session.id.slice(0, 8) }, "a session from another gateway lost its way");
      invalidate(context, session);
    });
  }

  /**
   * The user has joined a guild: true when the session is on its way there from where it was. What it missed on the way
   * comes first, which may be that the user left.
   */
  defersJoin(context: GatewayContext, session: Session, guildId: bigint): boolean {
    const way = this.#underWay.get(session)?.get(guildId);
    if (way === undefined) return false;
    if (way.joinAfter === undefined) context.writer.joining(session, guildId, false);
    way.joinAfter ??= { wasAnnounced: false };
    return true;
  }

  /** The user has left a guild: it is not to be joined anew. */
  forgetJoin(context: GatewayContext, session: Session, guildId: bigint): void {
    const way = this.#underWay.get(session)?.get(guildId);
    if (way?.joinAfter === undefined) return;
    way.joinAfter = undefined;
    context.writer.joinOver(session, guildId);
  }

  async #run(context: GatewayContext, session: Session, { pending, joining }: Unfinished): Promise<void> {
    const guilds = pending.filter(({ kind }) => kind === "guild");
    const ways = new Map(guilds.map(({ id }): [bigint, OnTheWay] => [id, { joinAfter: joining.get(id) }]));
    this.#underWay.set(session, ways);
    const user = this.#toUser(context, session, pending);
    await firstFor(context, user, userFirstMs);
    for (const [guildId, { wasAnnounced }] of joining) {
      if (!ways.has(guildId)) begin(context, session, guildId, wasAnnounced);
    }
    const all = eachAtOnce(guilds, guildsAtOnce, async (guild) => {
      await this.#toGuild(context, session, guild);
      const joinAfter = ways.get(guild.id)?.joinAfter;
      ways.delete(guild.id);
      if (joinAfter !== undefined && !session.hasEnded) begin(context, session, guild.id, joinAfter.wasAnnounced);
    });
    await Promise.all([user, all]);
    this.#underWay.delete(session);
    if (!session.hasEnded) context.metrics.catchUps.inc({ result: "complete" });
  }

  async #toUser(context: GatewayContext, session: Session, pending: readonly PendingTopic[]): Promise<void> {
    const topic = pending.find(({ kind }) => kind === "user");
    if (topic === undefined) return;
    const way: UserWay = { progress: topic.progress };
    await patiently(context, () => catchUpUser(context, session, topic, way));
  }

  async #toGuild(context: GatewayContext, session: Session, topic: PendingTopic): Promise<void> {
    const { start, progress } = topic;
    if (start === undefined) throw new GuildhallError("INTERNAL", `it is not known where guild ${topic.id} was`);
    const way: GuildWay = { start, progress, bridge: undefined };
    await patiently(context, () => catchUpGuild(context, session, topic, way));
  }
}

function begin(context: GatewayContext, session: Session, guildId: bigint, wasAnnounced: boolean): void {
  void joinGuild(context, session, guildId, guildListener(context, session, guildId, wasAnnounced));
}

/** Tries until it comes off; throws when the way is lost, or the patience. */
async function patiently({ clock, timers }: GatewayContext, cross: () => Promise<Crossed>): Promise<void> {
  const endMs = clock.monotonicMs() + patienceMs;
  let pauseMs = minPauseMs;
  for (;;) {
    let crossed: Crossed = "again";
    let cause: unknown;
    try {
      crossed = await cross();
    } catch (error) {
      cause = error;
    }
    if (crossed === "joined" || crossed === "left") return;
    if (crossed === "lost") throw new GuildhallError("TOO_OLD", "what lies between is no longer to be had");
    if (clock.monotonicMs() >= endMs)
      throw new GuildhallError("UNAVAILABLE", "a topic could not be reached", { cause });
    await new Promise<void>((resolve) => void timers.after(pauseMs, resolve));
    pauseMs = Math.min(pauseMs * 2, maxPauseMs);
  }
}

/** Resolves with something, or when the time is over. What goes wrong with it is for somebody else. */
async function firstFor({ timers }: GatewayContext, work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  using _timer = timers.after(ms, late.resolve);
  await Promise.race([work.catch(() => {}), late.promise]);
}
