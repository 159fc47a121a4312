import type { GatewayContext } from "../context.ts";
import { ownBody, ownDispatch } from "../dispatch/render.ts";
import type { Body } from "../domain/body.ts";
import type { OwnOrigin } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";

/**
 * Dispatches to one session alone. It is a record of the log, so that a resume brings it again, unless the session is
 * still getting its initial guilds and cannot be resumed anyway.
 */
export function deliverOwn(context: GatewayContext, session: Session, body: Body): void {
  deliver(context, session, body, { isShared: false, origin: undefined });
}

/** The same for a `d` that is at hand as JSON text. */
export function deliverOwnJson(context: GatewayContext, session: Session, type: string, json: string): void {
  deliverOwn(context, session, ownBody(type, json));
}

/** The same for what many sessions get, each by itself; `origin` is the event that it comes from, if that is to be known. */
export function deliverShared(
  context: GatewayContext,
  session: Session,
  body: Body,
  origin: OwnOrigin | undefined,
): void {
  deliver(context, session, body, { isShared: true, origin });
}

interface Manner {
  readonly isShared: boolean;
  readonly origin: OwnOrigin | undefined;
}

function deliver(context: GatewayContext, session: Session, body: Body, { isShared, origin }: Manner): void {
  if (session.hasEnded) return;
  const { dispatchLog, writer, clock } = context;
  if (session.startIndex !== undefined) {
    writer.own(session, body, isShared, origin);
    const eventIndex = dispatchLog.beginEvent();
    const record = { eventIndex, seq: 0, dispatch: ownDispatch(body), isEphemeral: false };
    dispatchLog.append(session, record, clock.monotonicMs());
  }
  if (session.link === undefined) return;
  session.link.grant(body.length);
  session.deliver(body);
}
