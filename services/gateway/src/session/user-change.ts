import { closeCode } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import type { UserChange } from "../domain/event.ts";
import type { Session } from "../domain/session.ts";
import { closeConnection, connectionOf } from "./end.ts";
import { guildJoined, guildLeft } from "./guild-joins.ts";

/** Something has changed about the account that these sessions belong to. */
export function applyUserChange(context: GatewayContext, sessions: readonly Session[], change: UserChange): void {
  for (const session of sessions) {
    switch (change.kind) {
      case "guild-joined":
        guildJoined(context, session, change.guildId);
        break;
      case "guild-left":
        guildLeft(context, session, change.guildId);
        break;
      case "token-revoked":
        if (change.tokenHash === "" || change.tokenHash === session.tokenHash) revoke(context, session);
        break;
      default:
        change satisfies never;
    }
  }
}

function revoke(context: GatewayContext, session: Session): void {
  const connection = connectionOf(session);
  context.sessions.end(session);
  if (connection !== undefined) closeConnection(context, connection, closeCode.AUTHENTICATION_FAILED);
}
