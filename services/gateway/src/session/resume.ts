import { closeCode } from "@guildhall/protocol";
import { hashToken } from "../clients/accounts.ts";
import { reasonOf } from "../close-codes.ts";
import type { GatewayContext } from "../context.ts";
import { planResume } from "../domain/resume.ts";
import type { Session } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";
import { closeConnection, connectionOf, sayInvalid } from "./end.ts";
import { deliverOwnJson } from "./own-dispatch.ts";

/** What RESUME asked for, of the right form. */
export interface ResumeRequest {
  readonly token: string;
  readonly sessionId: string;
  readonly seq: number;
}

/** Brings a session to a new connection: everything after `seq`, RESUMED, and on. All in one turn. */
export function resume(context: GatewayContext, connection: Connection, request: ResumeRequest): void {
  const { sessions, dispatchLog, metrics } = context;
  const session = sessions.get(request.sessionId);
  if (session === undefined || session.tokenHash !== hashToken(request.token).toString("latin1")) {
    metrics.resumes.inc({ result: "unknown" });
    sayInvalid(context, connection);
    return;
  }
  takeOver(context, session);
  const plan = planResume(dispatchLog, session, request.seq);
  metrics.resumes.inc({ result: plan.kind });
  if (plan.kind !== "replay") {
    // Its client is about to begin anew.
    sessions.end(session);
    if (plan.kind === "ahead") closeConnection(context, connection, closeCode.INVALID_SEQ);
    else sayInvalid(context, connection);
    return;
  }
  for (const { s, body } of plan.missed) {
    connection.grant(body.length);
    connection.send(s, body);
  }
  sessions.relink(session, connection, plan.s);
  connection.session = session;
  deliverOwnJson(context, session, "RESUMED", '{"_trace":[]}');
}

/** The session's present connection, if there is one, loses it. */
function takeOver(context: GatewayContext, session: Session): void {
  const old = connectionOf(session);
  context.sessions.cut(session);
  if (old === undefined) return;
  old.session = undefined;
  context.metrics.closes.inc({ code: String(closeCode.UNKNOWN_ERROR), by: "server" });
  old.close(closeCode.UNKNOWN_ERROR, reasonOf(closeCode.UNKNOWN_ERROR));
}
