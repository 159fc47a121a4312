import { watchShardMap } from "@guildhall/rpc";
import { type MapEntry, makeShardMap, rangeContains, type ShardMap, slotOf } from "@guildhall/slots";

/** What the watch uses. */
export interface OwnerWatchOptions {
  readonly address: string;
  /** This process. */
  readonly name: string;
  /** Guilds of which another process is in charge now: what the former one sent last may not have come. */
  onNewOwner(isConcerned: (guildId: bigint) => boolean): void;
}

/** Follows the published map of shards for changes of owners. */
export function watchOwners({ address, name, onNewOwner }: OwnerWatchOptions): Disposable {
  const map = makeShardMap();
  let known: readonly MapEntry[] = [];
  return watchShardMap({
    address,
    watcher: name,
    map,
    onChange() {
      const changed = newOwners(known, map);
      known = map.entries();
      if (changed.length === 0) return;
      onNewOwner((guildId) => changed.some(({ range }) => rangeContains(range, slotOf(guildId))));
    },
  });
}

/** The entries whose slots belonged to another process before; all that was unknown before is no change. */
export function newOwners(before: readonly MapEntry[], map: Pick<ShardMap, "entries">): readonly MapEntry[] {
  if (before.length === 0) return [];
  return map.entries().filter(({ range, incarnation }) => {
    const former = before.find((entry) => rangeContains(entry.range, range.i));
    return former !== undefined && former.incarnation !== incarnation;
  });
}
