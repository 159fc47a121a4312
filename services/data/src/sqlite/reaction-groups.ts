import type { ReactionGroup } from "../store/store.ts";
import type { EngineReader } from "./engine-reader.ts";

/** Up to this many users of one emoji are listed; beyond, a user is looked up alone. */
const listedUsers = 100n;

/** Reaction groups of those messages of one stretch of a channel that have any. */
export function reactionGroups(
  reader: EngineReader,
  channelId: bigint,
  messageIds: readonly bigint[],
): ReadonlyMap<bigint, readonly ReactionGroup[]> {
  const groups = new Map<bigint, ReactionGroup[]>();
  const asked = new Set(messageIds);
  const [first, last] = ends(messageIds);
  return reader.read((prepare) => {
    const users = prepare(
      `SELECT user_id FROM reactions
       WHERE channel_id = ? AND message_id = ? AND emoji_id = ? AND emoji_name = ? AND deleted = 0`,
    );
    const found = prepare(
      `SELECT message_id, emoji_id, emoji_name, count(*) AS count, min(ts) AS first_ts FROM reactions
       WHERE channel_id = ? AND message_id BETWEEN ? AND ? AND deleted = 0
       GROUP BY message_id, emoji_id, emoji_name`,
    ).all(channelId, first, last);
    for (const row of found) {
      const messageId = row.message_id as bigint;
      if (!asked.has(messageId)) continue;
      const emojiId = row.emoji_id as bigint;
      const emojiName = row.emoji_name as string;
      const count = row.count as bigint;
      const userIds =
        count > listedUsers
          ? undefined
          : new Set(users.all(channelId, messageId, emojiId, emojiName).map((user) => user.user_id as bigint));
      const group = { emojiId, emojiName, count: Number(count), firstTs: row.first_ts as bigint, userIds };
      const known = groups.get(messageId);
      if (known === undefined) groups.set(messageId, [group]);
      else known.push(group);
    }
    return groups;
  });
}

function ends(ids: readonly bigint[]): [bigint, bigint] {
  let first = ids[0] ?? 0n;
  let last = first;
  for (const id of ids) {
    if (id < first) first = id;
    if (id > last) last = id;
  }
  return [first, last];
}
