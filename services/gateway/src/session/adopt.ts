import type { GatewayContext } from "../context.ts";
import type { Body } from "../domain/body.ts";
import type { Link, Session } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";
import { deliverOwnJson, deliverShared } from "./own-dispatch.ts";
import type { TakenOver } from "./take-over.ts";

/** For a session whose client has gone while it was taken over. */
const nobody: Link = { send(_s: number, _body: Body): void {}, grant(_bytes: number): void {}, isCongested: false };

/**
 * A session of another gateway is ours from here on. The log is told where it was; then everything that its client has
 * missed is dispatched to it alone, so that the log has that, too; then it goes on its way to its topics.
 */
export function adopt(
  context: GatewayContext,
  connection: Connection,
  seq: number,
  { remains, missed, generation }: TakenOver,
): Session {
  const { sessions, catchUps, metrics } = context;
  const { seed, pending, joining } = remains;
  const isThere = !connection.isClosing;
  const { id, userId, tokenHash, profile, shardId, shardCount, largeThreshold } = seed;
  const session = sessions.adopt(
    { id, userId, tokenHash, profile, shardId, shardCount, largeThreshold, generation },
    seq,
    isThere ? connection : nobody,
    { pending, joining },
  );
  for (const { body } of missed) deliverShared(context, session, body, undefined);
  if (isThere) {
    connection.session = session;
    deliverOwnJson(context, session, "RESUMED", '{"_trace":[]}');
  } else sessions.cut(session);
  context.claimWatch.note(id.slice(0, 8));
  metrics.takeOvers.inc({ result: "adopted" });
  catchUps.start(context, session, { pending, joining });
  return session;
}
