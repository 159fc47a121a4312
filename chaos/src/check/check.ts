import { compareWithHistory, type Load, readHistory } from "@guildhall/e2e";
import type { Listener } from "../clients/community.ts";

/** A channel that was posted to, and by whom it can be read back. */
export interface PostedChannel {
  readonly channelId: string;
  readonly read: Parameters<typeof readHistory>[0];
  readonly loads: readonly Load[];
}

const maxProblems = 200;

/** What is wrong with what was acked and is kept: everything once, in order. Returns the history besides. */
export async function checkHistory({ channelId, read, loads }: PostedChannel) {
  // Without what the guild itself said of those who joined, before anybody listened.
  const history = (await readHistory(read, channelId)).filter(({ type }) => type === 0);
  const streams = loads.flatMap((load) => load.streams.filter((stream) => stream.channelId === channelId));
  const problems = compareWithHistory(
    streams.map(({ acked }) => acked),
    history,
  );
  const failures = loads.flatMap((load) => load.failures.map((failure) => `not sent: ${failure}`));
  return { ids: history.map(({ id }) => BigInt(id)), problems: [...problems, ...failures].slice(0, maxProblems) };
}

/** What is wrong with what a session was shown: of each of its channels everything, once, in order, or it was lost. */
export function checkListener({ session, channelIds }: Listener, histories: ReadonlyMap<string, readonly bigint[]>) {
  const { name } = session.options;
  const problems = session.problems.map((problem) => `${name}: ${problem}`);
  for (const loss of session.losses) problems.push(`${name}: session lost: ${loss}`);
  if (session.losses.length > 0) return problems;
  for (const channelId of channelIds) {
    const history = histories.get(channelId) ?? [];
    const seen = session.seen(channelId);
    const known = new Map(history.map((id, place) => [id, place]));
    const shown = new Set(seen);
    let last = -1;
    for (const id of seen) {
      const place = known.get(id);
      if (place === undefined) problems.push(`${name}: ${id} was shown and is not kept`);
      else if (place <= last) problems.push(`${name}: ${id} was shown ${place === last ? "twice" : "out of order"}`);
      else last = place;
    }
    for (const id of history) if (!shown.has(id)) problems.push(`${name}: ${id} of ${channelId} was never shown`);
  }
  return problems.slice(0, maxProblems);
}
