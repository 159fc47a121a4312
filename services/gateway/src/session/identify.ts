import { closeCode } from "@guildhall/protocol";
import { authenticate, hashToken, listMemberships } from "../clients/accounts.ts";
import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import type { UserFollow } from "../topics/user-topics.ts";
import type { Connection } from "../transport/connection.ts";
import { closeConnection, sayInvalid } from "./end.ts";
import { Hold } from "./hold.ts";
import { admit, type IdentifyRequest, largeThresholdOf, maxGuildsPerShard } from "./identify-request.ts";
import { startBot, startPerson } from "./start.ts";

const minDelayMs = 1_000;
const maxDelayMs = 5_000;

/**
 * Makes a session: authenticates, follows the user's topic, lists the guilds, then READY and the guilds. Checks are in
 * Discord's order: token, shard, intents.
 */
export async function identify(
  context: GatewayContext,
  connection: Connection,
  request: IdentifyRequest,
): Promise<void> {
  connection.isIdentifying = true;
  if (!(await context.admission.enter())) return refuse(context, connection, maxDelayMs, "queue full");
  try {
    if (!connection.isClosing) await authenticated(context, connection, request);
  } catch (error) {
    context.log.warn({ err: error }, "an IDENTIFY failed");
    context.metrics.identifies.inc({ result: "failed" });
    closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
  } finally {
    context.admission.leave();
  }
}

async function authenticated(context: GatewayContext, connection: Connection, request: IdentifyRequest): Promise<void> {
  const { users, timers, metrics } = context;
  const tokenHash = hashToken(request.token);
  const account = await authenticate(users, timers, tokenHash);
  if (connection.isClosing) return;
  const admitted =
    account === undefined ? closeCode.AUTHENTICATION_FAILED : admit(request, account, connection.version);
  if (account?.profile === undefined || typeof admitted === "number") {
    metrics.identifies.inc({ result: "refused" });
    const code = typeof admitted === "number" ? admitted : closeCode.AUTHENTICATION_FAILED;
    return closeConnection(context, connection, code);
  }
  const userId = account.profile.id;
  const waitMs = limitOf(context, userId, account.profile.bot);
  if (waitMs > 0) return refuse(context, connection, waitMs, "limited");
  const follow = await context.userTopics.open(userId);
  try {
    if (connection.isClosing) return;
    const hold = new Hold(connection);
    const profile = context.profiles.intern(admitted.profile);
    const session = context.sessions.create(
      {
        id: context.newSessionId(),
        userId,
        tokenHash: tokenHash.toString("latin1"),
        profile,
        shardId: admitted.shard[0],
        shardCount: admitted.shard[1],
        largeThreshold: largeThresholdOf(request, profile),
        generation: 0,
      },
      hold,
    );
    connection.session = session;
    // READY is the first dispatch, whenever it can be sent.
    session.s = 1;
    follow.topic.attach(session);
    await start(context, connection, { session, hold, follow, tokenHash });
  } finally {
    follow.users--;
  }
}

interface Starting {
  readonly session: Session;
  readonly hold: Hold;
  readonly follow: UserFollow;
  readonly tokenHash: Buffer;
}

/** The user's topic is followed: what is read from now on cannot be missed. */
async function start(context: GatewayContext, connection: Connection, starting: Starting): Promise<void> {
  const { users, timers, metrics, sessions } = context;
  const { session, hold, follow, tokenHash } = starting;
  // The token and the profile may have changed before the topic was followed.
  const [account, { memberships, head }] = await Promise.all([
    authenticate(users, timers, tokenHash),
    listMemberships(users, timers, session.userId),
  ]);
  if (session.hasEnded || connection.isClosing) return;
  if (account === undefined) return closeConnection(context, connection, closeCode.AUTHENTICATION_FAILED);
  const headSeq = Number(head?.seq ?? 0n);
  if (follow.order.hasStarted) follow.order.learnHead(headSeq);
  else follow.start(headSeq);
  const guildIds = memberships
    .filter(({ member, guildId }) => member && session.hasGuild(guildId))
    .map(({ guildId }) => guildId);
  if (session.profile.isBot && guildIds.length > maxGuildsPerShard) {
    return closeConnection(context, connection, closeCode.SHARDING_REQUIRED);
  }
  const startSession = session.profile.isBot ? startBot : startPerson;
  await startSession(context, { session, hold, connection, account, guildIds });
  if (session.hasEnded) return;
  connection.isIdentifying = false;
  sessions.begin(session);
  metrics.identifies.inc({ result: "ready" });
}

function limitOf({ config, identifyLimit, clock }: GatewayContext, userId: bigint, isBot: boolean): number {
  if (!isBot || config.rateLimits === "Off") return 0;
  return identifyLimit.take(userId, clock.monotonicMs());
}

/** Too many at once: INVALID_SESSION, late, because some libraries identify again at once. */
function refuse(context: GatewayContext, connection: Connection, waitMs: number, result: string): void {
  context.metrics.identifies.inc({ result });
  context.timers.after(Math.min(Math.max(waitMs, minDelayMs), maxDelayMs), () => sayInvalid(context, connection));
}
