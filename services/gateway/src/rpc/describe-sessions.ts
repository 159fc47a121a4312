import type { DescribeSessions, SessionDescription, SessionsDescription } from "@guildhall/proto";
import { lasting } from "../domain/attachment.ts";
import type { Session } from "../domain/session.ts";
import { connectionOf } from "../session/end.ts";
import type { RpcContext } from "./exchange.ts";

const maxDescribed = 1_000;
/** The gateway's tag and 8 digits more: whoever has all of an id and a token may resume the session. */
const shownDigits = 16;

/** How many sessions there are, and the latest of them. */
export function describeSessions(context: RpcContext, { limit }: DescribeSessions): SessionsDescription {
  const { sessions, holder, recording, clock } = context.gateway;
  const startMs = clock.nowMs() - clock.monotonicMs();
  const described: SessionDescription[] = [];
  const most = Math.min(limit, maxDescribed);
  if (most > 0) {
    for (const session of [...sessions.all()].slice(-most).reverse()) {
      described.push(describe(session, startMs, !recording.isWriting));
    }
  }
  return {
    gateway: holder.name,
    incarnation: holder.tag,
    state: context.isDraining() ? "Draining" : "Serving",
    connected: BigInt(sessions.count - sessions.cutCount),
    waiting: BigInt(sessions.cutCount),
    adopted: BigInt(sessions.adopted),
    sessions: described,
  };
}

function describe(session: Session, startMs: number, hereOnly: boolean): SessionDescription {
  const connection = connectionOf(session);
  return {
    id: session.id.slice(0, shownDigits),
    userId: session.userId,
    state: connection === undefined ? "waiting" : "connected",
    s: BigInt(session.s),
    guilds: session.attachments.filter(({ topic, to }) => topic.kind === "guild" && to === lasting).length,
    shardId: session.shardId,
    shardCount: session.shardCount,
    sinceMs: BigInt(Math.floor(startMs + session.sinceMs)),
    encoding: connection?.encoding ?? "",
    hereOnly,
  };
}
