/** The reactions of one emoji to one message, as a page shows them. */
export interface ReactionCount {
  readonly emojiId: bigint;
  readonly emojiName: string;
  count: number;
  firstTs: bigint;
  /** Who reacted; undefined when they are too many to list. Then `changed` holds whom the tail says otherwise of. */
  readonly userIds: Set<bigint> | undefined;
  readonly changed: Map<bigint, boolean>;
}

/** What counts are made from. */
export interface CountedGroup {
  readonly emojiId: bigint;
  readonly emojiName: string;
  readonly count: number;
  readonly firstTs: bigint;
  readonly userIds: ReadonlySet<bigint> | undefined;
}

/** A reaction in the tail. */
export interface TailReaction {
  readonly messageId: bigint;
  readonly emojiId: bigint;
  readonly emojiName: string;
  readonly userId: bigint;
  readonly ts: bigint;
  readonly deleted: boolean;
}

/** A stored reaction: when written, and whether it is gone. */
export interface StoredReaction {
  readonly ts: bigint;
  readonly deleted: boolean;
}

/** Of several rows of one key, the one written last. */
export function lastReactions<R extends TailReaction>(rows: readonly R[]): readonly R[] {
  const last = new Map<string, R>();
  for (const row of rows) {
    const key = `${row.messageId}.${row.emojiId}.${row.userId}.${row.emojiName}`;
    const known = last.get(key);
    if (known === undefined || known.ts <= row.ts) last.set(key, row);
  }
  return [...last.values()];
}

/**
 * The counts of the stored groups with the tail's rows on top, by message, in order of the first reaction. `stored` holds
 * what the store has of each tail row.
 */
export function countReactions(
  groups: ReadonlyMap<bigint, readonly CountedGroup[]>,
  tail: readonly TailReaction[],
  stored: readonly (StoredReaction | undefined)[],
): ReadonlyMap<bigint, readonly ReactionCount[]> {
  const counts = new Map<bigint, ReactionCount[]>();
  for (const [messageId, list] of groups) {
    counts.set(
      messageId,
      list.map((group) => ({ ...group, userIds: group.userIds && new Set(group.userIds), changed: new Map() })),
    );
  }
  for (const [index, row] of tail.entries()) {
    const before = stored[index];
    if (before !== undefined && before.ts >= row.ts) continue;
    const stood = before !== undefined && !before.deleted;
    if (stood === row.deleted) change(counts, row);
  }
  for (const [messageId, list] of counts) {
    const left = list.filter(({ count }) => count > 0).sort(byFirst);
    if (left.length === 0) counts.delete(messageId);
    else counts.set(messageId, left);
  }
  return counts;
}

function change(counts: Map<bigint, ReactionCount[]>, row: TailReaction): void {
  const { messageId, emojiId, emojiName, userId, ts, deleted } = row;
  const list = counts.get(messageId) ?? [];
  counts.set(messageId, list);
  let count = list.find((known) => known.emojiId === emojiId && known.emojiName === emojiName);
  if (count === undefined) {
    count = { emojiId, emojiName, count: 0, firstTs: ts, userIds: new Set(), changed: new Map() };
    list.push(count);
  }
  count.count += deleted ? -1 : 1;
  if (count.userIds === undefined) count.changed.set(userId, !deleted);
  else if (deleted) count.userIds.delete(userId);
  else count.userIds.add(userId);
}

function byFirst(a: ReactionCount, b: ReactionCount): number {
  if (a.firstTs !== b.firstTs) return a.firstTs < b.firstTs ? -1 : 1;
  return a.emojiName < b.emojiName ? -1 : 1;
}
