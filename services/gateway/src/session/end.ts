import { type CloseCode, closeCodes } from "@guildhall/protocol";
import { endsSession, reasonOf } from "../close-codes.ts";
import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import { Connection } from "../transport/connection.ts";
import { Hold } from "./hold.ts";
import { invalidSession } from "./payloads.ts";

/** The connection on which a session is; undefined while it is cut. */
export function connectionOf({ link }: Session): Connection | undefined {
  if (link instanceof Connection) return link;
  return link instanceof Hold ? link.connection : undefined;
}

/** Takes a session off its connection: it may be resumed for a while, or is over. */
export function releaseSession(context: GatewayContext, connection: Connection, isOver: boolean): void {
  const { session } = connection;
  connection.session = undefined;
  if (session === undefined || connectionOf(session) !== connection) return;
  if (isOver) context.sessions.end(session);
  else context.sessions.cut(session);
}

/** Closes a connection with a code; the session stays resumable when the code says so. */
export function closeConnection(context: GatewayContext, connection: Connection, code: CloseCode): void {
  if (connection.isClosing) return;
  releaseSession(context, connection, !closeCodes[code].resumable);
  context.metrics.closes.inc({ code: String(code), by: "server" });
  connection.close(code, reasonOf(code));
}

/** The client has closed, or its socket is gone. */
export function connectionClosed(context: GatewayContext, connection: Connection, code: number): void {
  if (!connection.isClosing) context.metrics.closes.inc({ code: String(code), by: "client" });
  releaseSession(context, connection, !connection.isClosing && endsSession(code));
  connection.isClosing = true;
  connection.dispose();
}

/** Tells a client that its session is over. The socket stays open: some libraries identify anew on it. */
export function invalidate(context: GatewayContext, session: Session): void {
  const connection = connectionOf(session);
  context.sessions.end(session);
  if (connection === undefined) return;
  connection.session = undefined;
  sayInvalid(context, connection);
}

/** INVALID_SESSION: the client is to identify anew, and has as long for it as after connecting. */
export function sayInvalid({ clock }: GatewayContext, connection: Connection): void {
  connection.unknownSinceMs = clock.monotonicMs();
  connection.isIdentifying = false;
  connection.control(invalidSession);
}
