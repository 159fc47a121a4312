import { timingSafeEqual } from "node:crypto";
import { closeCode } from "@guildhall/protocol";
import { hashToken } from "../clients/accounts.ts";
import { reasonOf } from "../close-codes.ts";
import type { GatewayContext } from "../context.ts";
import { planResume } from "../domain/resume.ts";
import type { Session } from "../domain/session.ts";
import { originOf } from "../store/session-store.ts";
import type { Connection } from "../transport/connection.ts";
import { adopt } from "./adopt.ts";
import { closeConnection, connectionOf, sayInvalid } from "./end.ts";
import { letGo } from "./let-go.ts";
import { deliverOwnJson } from "./own-dispatch.ts";

/** What RESUME asked for, of the right form. */
export interface ResumeRequest {
  readonly token: string;
  readonly sessionId: string;
  readonly seq: number;
}

interface Asked {
  readonly connection: Connection;
  readonly sessionId: string;
  readonly tokenHash: Buffer;
  readonly seq: number;
}

// A session may come and go between gateways while it is asked for.
const maxRounds = 4;

/**
 * Brings a session to a new connection: everything after `seq`, RESUMED, and on. It may have been here, or at another
 * gateway, which may have died.
 */
export async function resume(context: GatewayContext, connection: Connection, request: ResumeRequest): Promise<void> {
  const { sessionId, seq } = request;
  connection.isIdentifying = true;
  const asked = { connection, sessionId, seq, tokenHash: hashToken(request.token) };
  try {
    for (let round = 0; round < maxRounds; round++) {
      const isDecided = await (context.sessions.get(sessionId) === undefined
        ? resumeFromElsewhere(context, asked)
        : resumeHere(context, asked));
      if (isDecided) return;
    }
    refuse(context, connection, "contended");
  } catch (error) {
    context.log.warn({ err: error }, "a RESUME failed");
    closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
  } finally {
    connection.isIdentifying = false;
  }
}

/** Goes on with a session that this gateway has; false when it is another one's by now. */
async function resumeHere(context: GatewayContext, { connection, sessionId, tokenHash, seq }: Asked): Promise<boolean> {
  const { sessions } = context;
  const session = sessions.get(sessionId);
  if (session === undefined || !timingSafeEqual(Buffer.from(session.tokenHash, "latin1"), tokenHash)) {
    refuse(context, connection, "unknown");
    return true;
  }
  if (await isClaimed(context, session)) {
    if (!session.hasEnded) letGo(context, session);
    return false;
  }
  if (session.hasEnded) return false;
  if (!connection.isClosing) goOn(context, connection, session, seq);
  return true;
}

/** Whether another gateway has taken a session. A store that cannot be asked holds no new claims either. */
async function isClaimed({ store, guards, log }: GatewayContext, { id, generation }: Session): Promise<boolean> {
  if (!guards.generation || originOf(id) === undefined) return false;
  try {
    const last = (await store.claims(id)).at(-1);
    return last !== undefined && last.generation > generation;
  } catch (error) {
    log.warn({ err: error }, "claims could not be looked at");
    return false;
  }
}

/** All in one turn. */
function goOn(context: GatewayContext, connection: Connection, session: Session, seq: number): void {
  const { sessions, dispatchLog, metrics } = context;
  takeOffConnection(context, session);
  const plan = planResume(dispatchLog, session, seq);
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

/** Takes a session over from another gateway; false when it is here by now, or may be. */
async function resumeFromElsewhere(context: GatewayContext, asked: Asked): Promise<boolean> {
  const { connection, sessionId, seq } = asked;
  const underWay = context.takeOvers.underWay(sessionId);
  if (underWay !== undefined) {
    await underWay;
    return false;
  }
  const result = await context.takeOvers.bring(context, asked, (taken) => adopt(context, connection, seq, taken));
  if (typeof result === "string") {
    context.metrics.takeOvers.inc({ result });
    if (result === "ahead") refuseAhead(context, connection);
    else refuse(context, connection, "unknown");
  } else context.metrics.resumes.inc({ result: "elsewhere" });
  return true;
}

function refuse(context: GatewayContext, connection: Connection, result: string): void {
  context.metrics.resumes.inc({ result });
  if (!connection.isClosing) sayInvalid(context, connection);
}

function refuseAhead(context: GatewayContext, connection: Connection): void {
  context.metrics.resumes.inc({ result: "ahead" });
  closeConnection(context, connection, closeCode.INVALID_SEQ);
}

/** The session's present connection, if there is one, loses it. */
function takeOffConnection(context: GatewayContext, session: Session): void {
  const old = connectionOf(session);
  context.sessions.cut(session);
  if (old === undefined) return;
  old.session = undefined;
  context.metrics.closes.inc({ code: String(closeCode.UNKNOWN_ERROR), by: "server" });
  old.close(closeCode.UNKNOWN_ERROR, reasonOf(closeCode.UNKNOWN_ERROR));
}
