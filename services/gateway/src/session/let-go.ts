import { closeCode, reasonOf } from "../close-codes.ts";
import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import { connectionOf } from "./end.ts";

/** Another gateway has the session from here on: nothing more is sent to it, and a client that is still here is cut off. */
export function letGo({ sessions, metrics }: GatewayContext, session: Session): void {
  const connection = connectionOf(session);
  sessions.end(session, "handed over");
  if (connection === undefined) return;
  connection.session = undefined;
  metrics.closes.inc({ code: String(closeCode.UNKNOWN_ERROR), by: "server" });
  connection.close(closeCode.UNKNOWN_ERROR, reasonOf(closeCode.UNKNOWN_ERROR));
}
