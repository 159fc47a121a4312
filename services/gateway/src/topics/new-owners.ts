import { type MapEntry, rangeContains, type ShardMap, slotOf } from "@guildhall/slots";

/**
 * Follows a map: the function that is returned, called after each change, tells which guilds another process is in charge
 * of now (what the former one sent last may not have come).
 */
export function makeOwnerWatch(
  map: Pick<ShardMap, "entries">,
  onNewOwner: (isConcerned: (guildId: bigint) => boolean) => void,
): () => void {
  let known: readonly MapEntry[] = [];
  return () => {
    const changed = newOwners(known, map);
    known = map.entries();
    if (changed.length === 0) return;
    onNewOwner((guildId) => changed.some(({ range }) => rangeContains(range, slotOf(guildId))));
  };
}

/** The entries whose slots belonged to another process before; all that was unknown before is no change. */
export function newOwners(before: readonly MapEntry[], map: Pick<ShardMap, "entries">): readonly MapEntry[] {
  if (before.length === 0) return [];
  return map.entries().filter(({ range, incarnation }) => {
    const former = before.find((entry) => rangeContains(entry.range, range.i));
    return former !== undefined && former.incarnation !== incarnation;
  });
}
