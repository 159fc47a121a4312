import type { Account } from "@guildhall/proto";
import { closeCode } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import { bodyOfPieces } from "../dispatch/render.ts";
import type { Segment } from "../domain/body.ts";
import type { Session } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { closeConnection } from "./end.ts";
import { announceUnavailable, guildListener, joinGuild } from "./guild-joins.ts";
import type { Hold } from "./hold.ts";
import { type ReadyGuild, readyPieces } from "./ready.ts";

/** What a session starts with. */
export interface StartParts {
  readonly session: Session;
  readonly hold: Hold;
  readonly connection: Connection;
  readonly account: Account;
  readonly guildIds: readonly bigint[];
}

/** A guild that has not come after this long is told of as unavailable, and comes later. */
const guildPatienceMs = 5_000;
const joinsAtOnce = 64;

/** A bot's start: READY with guilds that are still to come, then GUILD_CREATE for each. */
export async function startBot(context: GatewayContext, parts: StartParts): Promise<void> {
  const { session, guildIds } = parts;
  sendReady(
    context,
    parts,
    guildIds.map((id) => ({ id, pieces: undefined })),
  );
  await eachAtOnce(guildIds, joinsAtOnce, async (guildId) => {
    const joining = joinGuild(context, session, guildId, guildListener(context, session, guildId, true));
    if (!(await within(context, joining))) announceUnavailable(context, session, guildId);
  });
}

/** A person's start: READY holds the guilds whole, so it waits for them. */
export async function startPerson(context: GatewayContext, parts: StartParts): Promise<void> {
  const { session, guildIds } = parts;
  const found = new Map<bigint, readonly Segment[]>();
  const absent = new Set<bigint>();
  let isReady = false;
  await eachAtOnce(guildIds, joinsAtOnce, async (guildId) => {
    const late = guildListener(context, session, guildId, true);
    const joining = joinGuild(context, session, guildId, {
      wasAnnounced: true,
      joined: (pieces) => {
        if (isReady) late.joined(pieces);
        else found.set(guildId, pieces);
      },
      notMember: () => {
        if (isReady) late.notMember();
        else absent.add(guildId);
      },
    });
    await within(context, joining);
  });
  if (session.hasEnded) return;
  isReady = true;
  const present = guildIds.filter((id) => !absent.has(id));
  sendReady(
    context,
    parts,
    present.map((id) => ({ id, pieces: found.get(id) })),
  );
}

/** READY, and then whatever was dispatched meanwhile. */
function sendReady(context: GatewayContext, parts: StartParts, guilds: readonly ReadyGuild[]): void {
  const { session, hold, connection, account } = parts;
  if (session.hasEnded) return;
  const { config } = context;
  const ready: ReadyGuild[] = [...guilds];
  const body = bodyOfPieces(
    "READY",
    readyPieces({
      session,
      account,
      version: connection.version,
      resumeUrl: config.gatewayUrl,
      guilds: ready,
      name: config.name,
    }),
  );
  connection.grant(body.length);
  connection.send(1, body);
  if (hold.release()) session.link = connection;
  else closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
}

/** Whether something is done within the time that clients are made to wait. */
async function within({ timers }: GatewayContext, work: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  using _timer = timers.after(guildPatienceMs, () => late.resolve(false));
  return await Promise.race([work.then(() => true), late.promise]);
}
