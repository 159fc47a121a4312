import type { SealSession, SessionSealed } from "@guildhall/proto";
import type { GatewayContext } from "../context.ts";
import { letGo } from "../session/let-go.ts";

/**
 * Another gateway has claimed a session: it is let go of, for good, and all that was dispatched to it is in the log before
 * this is answered.
 */
export function sealSession(context: GatewayContext, { sessionId, generation, gateway }: SealSession): SessionSealed {
  const { sessions, dispatchLog, recording, metrics, log } = context;
  context.takeOvers.forbid(sessionId, generation);
  const session = sessions.get(sessionId);
  // One that has not begun cannot be resumed; a claim that is not newer than our own is void.
  if (session?.startIndex === undefined || generation <= session.generation) {
    metrics.seals.inc({ result: "not held" });
    return { index: 0n, s: 0n, held: false };
  }
  const isConnected = session.link !== undefined;
  const { s } = session;
  const index = isConnected ? dispatchLog.index : session.cutIndex;
  letGo(context, session);
  recording.flush();
  metrics.seals.inc({ result: isConnected ? "connected" : "waiting" });
  log.debug({ session: sessionId.slice(0, 8), generation, gateway }, "a session went to another gateway");
  return { index: BigInt(index), s: BigInt(s), held: recording.isWriting };
}
