import { watchShardMap } from "@guildhall/rpc";
import { makeShardMap } from "@guildhall/slots";
import { makeOwnerWatch } from "../topics/new-owners.ts";

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
  return watchShardMap({ address, watcher: name, map, onChange: makeOwnerWatch(map, onNewOwner) });
}
