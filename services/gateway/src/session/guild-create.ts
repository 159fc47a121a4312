import { ownPiece } from "../dispatch/render.ts";
import type { Segment } from "../domain/body.ts";
import type { Session } from "../domain/session.ts";
import type { JoinAnswer } from "../topics/join-batch.ts";

const comma = Buffer.from(",");

/** The guild object of GUILD_CREATE: what all of a view share, then the session's own member and, when asked for, the others. */
export function guildPieces(session: Session, { snapshot, memberJson, joinedAt }: JoinAnswer): Segment[] {
  if (snapshot === undefined) return [];
  const parts: Uint8Array[] = [Buffer.from(`,"joined_at":${JSON.stringify(joinedAt)},"members":[`), memberJson];
  if (snapshot.others.length < session.largeThreshold) {
    for (const { userId, json } of snapshot.others) if (userId !== session.userId) parts.push(comma, json);
  }
  parts.push(Buffer.from("]}"));
  return [snapshot.open, ownPiece(Buffer.concat(parts))];
}
