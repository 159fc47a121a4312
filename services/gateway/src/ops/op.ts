import type { CloseCode } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";

/** Does what a payload's `d` asks for; a close code when it is refused. */
export type Op = (context: GatewayContext, connection: Connection, d: unknown) => CloseCode | undefined;

/** The same where there is a session. */
export type SessionOp = (
  context: GatewayContext,
  session: Session,
  d: unknown,
  connection: Connection,
) => CloseCode | undefined;
