import type { GatewayContext } from "../context.ts";
import { ownBody, ownDispatch } from "../dispatch/render.ts";
import type { Body } from "../domain/body.ts";
import type { Session } from "../domain/session.ts";

/**
 * Dispatches to one session alone. It is a record of the log, so that a resume brings it again, unless the session is
 * still getting its initial guilds and cannot be resumed anyway.
 */
export function deliverOwn(context: GatewayContext, session: Session, type: string, body: Body): void {
  if (session.hasEnded) return;
  const { dispatchLog, writer, clock } = context;
  if (session.startIndex !== undefined) {
    writer.own(session, body, false, undefined);
    const eventIndex = dispatchLog.beginEvent();
    const record = { eventIndex, seq: 0, dispatch: ownDispatch(type, body), isEphemeral: false };
    dispatchLog.append(session, record, clock.monotonicMs());
  }
  if (session.link === undefined) return;
  session.link.grant(body.length);
  session.deliver(body);
}

/** The same for a `d` that is at hand as JSON text. */
export function deliverOwnJson(context: GatewayContext, session: Session, type: string, json: string): void {
  deliverOwn(context, session, type, ownBody(type, json));
}
