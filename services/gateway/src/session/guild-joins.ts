import { intentBits } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import { bodyOfPieces } from "../dispatch/render.ts";
import type { Segment } from "../domain/body.ts";
import type { GuildJoin, Session } from "../domain/session.ts";
import type { Joined } from "../topics/guild-follow.ts";
import { guildPieces } from "./guild-create.ts";
import { deliverOwn, deliverOwnJson } from "./own-dispatch.ts";
import { unavailableGuild } from "./ready.ts";

/** How the client of a session is told of a guild that it joins. */
export interface GuildListener {
  /** The client knows of the guild already, as one that is to come. */
  readonly wasAnnounced: boolean;
  /** Right when the session is attached. The guild's object, in pieces. */
  joined(pieces: readonly Segment[]): void;
  notMember(): void;
}

/** Joins a session to a guild and tells the listener; resolves when that is decided. One join of a guild at a time. */
export async function joinGuild(
  context: GatewayContext,
  session: Session,
  guildId: bigint,
  listener: GuildListener,
): Promise<void> {
  const underWay = session.joining?.get(guildId);
  if (underWay !== undefined) {
    underWay.isOutdated = true;
    underWay.isUnwanted = false;
    return;
  }
  const { wasAnnounced } = listener;
  const join: GuildJoin = { wasAnnounced, isOutdated: false, isUnwanted: false };
  session.joining ??= new Map();
  session.joining.set(guildId, join);
  if (session.startIndex !== undefined) context.writer.joining(session, guildId, wasAnnounced);
  const give = ({ answer, since }: Joined): void => {
    listener.joined(guildPieces(session, answer));
    for (const body of since) deliverOwn(context, session, body);
  };
  let outcome: string;
  do {
    join.isOutdated = false;
    outcome = await context.guildTopics.join(session, guildId, give, () => !session.hasEnded && !join.isUnwanted);
  } while (join.isOutdated && !session.hasEnded);
  session.joining.delete(guildId);
  if (session.startIndex !== undefined && !session.hasEnded) context.writer.joinOver(session, guildId);
  if (session.joining.size === 0) session.joining = undefined;
  if (outcome !== "joined" && !session.hasEnded) listener.notMember();
}

/** The user has joined a guild: the session gets it. */
export function guildJoined(context: GatewayContext, session: Session, guildId: bigint): void {
  if (!session.hasGuild(guildId) || context.catchUps.defersJoin(context, session, guildId)) return;
  void joinGuild(context, session, guildId, guildListener(context, session, guildId, false));
}

/** The user has left a guild: a join that has not come off is not tried any more. The guild's topic tells the client. */
export function guildLeft(context: GatewayContext, session: Session, guildId: bigint): void {
  context.catchUps.forgetJoin(context, session, guildId);
  const join = session.joining?.get(guildId);
  if (join !== undefined) join.isUnwanted = true;
}

/** Tells a client by GUILD_CREATE; that it is no member only when it was told of the guild before. */
export function guildListener(
  context: GatewayContext,
  session: Session,
  guildId: bigint,
  wasAnnounced: boolean,
): GuildListener {
  return {
    wasAnnounced,
    joined(pieces) {
      if (seesGuilds(session)) deliverOwn(context, session, bodyOfPieces("GUILD_CREATE", pieces));
    },
    notMember() {
      if (wasAnnounced && seesGuilds(session)) {
        deliverOwnJson(context, session, "GUILD_DELETE", `{"id":"${guildId}"}`);
      }
    },
  };
}

/** A guild of READY that did not come in time: GUILD_CREATE follows when it does. */
export function announceUnavailable(context: GatewayContext, session: Session, guildId: bigint): void {
  if (seesGuilds(session)) deliverOwnJson(context, session, "GUILD_DELETE", unavailableGuild(guildId));
}

function seesGuilds({ profile }: Session): boolean {
  return (profile.intents & intentBits.GUILDS) !== 0;
}
