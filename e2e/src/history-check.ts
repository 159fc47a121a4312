import type { APIMessage } from "discord-api-types/v10";
import type { Rest } from "./rest.ts";
import type { Dispatch, Witness } from "./witness.ts";

const pageSize = 100;

/** Every message of a channel, oldest first, read back page by page. */
export async function readHistory(rest: Rest, channelId: string): Promise<APIMessage[]> {
  const newestFirst: APIMessage[] = [];
  for (;;) {
    const last = newestFirst.at(-1);
    const before = last === undefined ? "" : `&before=${last.id}`;
    const page = await rest.get<APIMessage[]>(`/channels/${channelId}/messages?limit=${pageSize}${before}`);
    newestFirst.push(...page);
    if (page.length < pageSize) return newestFirst.toReversed();
  }
}

/** A message that its sender was told is kept. */
export interface Acked {
  readonly id: string;
  readonly content: string;
}

/** What is wrong with ids that should be each there once, in rising order. Empty when nothing is. */
export function orderProblems(what: string, ids: readonly string[]): string[] {
  const problems: string[] = [];
  let last = 0n;
  for (const id of ids) {
    const value = BigInt(id);
    if (value === last) problems.push(`${what}: ${id} is there twice`);
    else if (value < last) problems.push(`${what}: ${id} comes after ${last}`);
    last = value;
  }
  return problems;
}

/**
 * Compares what one sender after another was told is kept with what the channel's history holds. Each sender's messages
 * must be there once, with the ids that were acked, in the order in which they were acked.
 */
export function compareWithHistory(senders: readonly (readonly Acked[])[], history: readonly APIMessage[]): string[] {
  const problems = orderProblems(
    "history",
    history.map(({ id }) => id),
  );
  const contents = new Map<string, number>();
  for (const { content } of history) contents.set(content, (contents.get(content) ?? 0) + 1);
  const byId = new Map(history.map(({ id, content }, at) => [id, { content, at }]));
  for (const [content, times] of contents)
    if (times > 1) problems.push(`history: "${content}" is there ${times} times`);
  for (const acked of senders) {
    let last = -1;
    for (const { id, content } of acked) {
      const kept = byId.get(id);
      if (kept === undefined) problems.push(`history: acked ${id} "${content}" is missing`);
      else if (kept.content !== content) problems.push(`history: ${id} is "${kept.content}", acked as "${content}"`);
      else if (kept.at < last) problems.push(`history: ${id} "${content}" lies before one acked earlier`);
      else last = kept.at;
    }
  }
  return problems;
}

/** The messages of a channel that a witness was shown in one of its sessions. */
export function messagesSeen({ dispatches }: Witness, channelId: string, session?: number): APIMessage[] {
  return dispatches
    .filter((each) => each.t === "MESSAGE_CREATE" && (session === undefined || each.session === session))
    .map(({ d }) => d as APIMessage)
    .filter((message) => message.channel_id === channelId);
}

/** What is wrong with the numbering of a witness's sessions: each counts from 1 without a gap. */
export function numberingProblems(what: string, dispatches: readonly Dispatch[]): string[] {
  const problems: string[] = [];
  const last = new Map<number, number>();
  for (const { s, session, t } of dispatches) {
    const expected = (last.get(session) ?? 0) + 1;
    if (s !== expected) problems.push(`${what}: ${t} has s ${s} where ${expected} was due`);
    last.set(session, s);
  }
  return problems;
}

/**
 * Compares what a witness was shown of a channel with its history from `first` on. Within one session nothing may be
 * missing, doubled or out of order; over several, only what fell between two may be missing.
 */
export function compareWitness(
  what: string,
  witness: Witness,
  channelId: string,
  history: readonly APIMessage[],
): string[] {
  const problems = numberingProblems(what, witness.dispatches);
  const all = messagesSeen(witness, channelId).map(({ id }) => id);
  problems.push(...orderProblems(what, all));
  const kept = history.map(({ id }) => id);
  const known = new Set(kept);
  for (const id of all) if (!known.has(id)) problems.push(`${what}: ${id} was shown and is not in the history`);
  for (let session = 0; session <= witness.session; session += 1) {
    const seen = messagesSeen(witness, channelId, session).map(({ id }) => id);
    const [from, to] = [seen[0], seen.at(-1)];
    if (from === undefined || to === undefined) continue;
    const due = kept.slice(kept.indexOf(from), kept.indexOf(to) + 1);
    const shown = new Set(seen);
    for (const id of due) if (!shown.has(id)) problems.push(`${what}: ${id} was never shown in session ${session}`);
  }
  return problems;
}
