import { GuildhallError } from "@guildhall/errors";
import type { Heads, HeadsResult, Refill, RefillResult } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { encodeUserEvent, userHead } from "../domain/user-topic.ts";

/** Heads of user topics. */
export function heads(context: UserContext, { topics }: Heads, source: string): HeadsResult {
  const found = topics.map((topic) => userHead(topic, context.accounts.headSeq(topic)));
  return { heads: found, sources: found.map(() => source) };
}

/** Events of a user topic from the outbox. TOO_OLD when the first one asked for is no longer held. */
export function refill(context: UserContext, { topic, fromSeq, toSeq }: Refill): RefillResult {
  const page = context.accounts.outbox(topic, fromSeq, toSeq);
  if (fromSeq < page.floor) throw new GuildhallError("TOO_OLD", `events of ${topic} before ${page.floor} are gone`);
  return { events: page.events.map(encodeUserEvent) };
}
