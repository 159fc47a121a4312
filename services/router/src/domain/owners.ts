import type { NotOwner } from "@guildhall/proto";
import { type MapEntry, type MapGuards, makeShardMap, type ShardMap } from "@guildhall/slots";
import type { HostPool } from "./host-pool.ts";

/** What the router knows of who owns which slot, by the coordinator's map and by what hosts say. */
export interface Owners {
  /** To look owners up, and to bring the coordinator's map in. */
  readonly map: ShardMap;
  /** Takes a host's word that it owns a range; a lower epoch does nothing. */
  learn(entry: MapEntry): void;
  /** Takes what a host that does not own a slot knows of its owner. */
  learnNotOwner(notOwner: NotOwner): void;
}

/** What it uses; `onChange` is called after each change. */
interface OwnersOptions {
  readonly hosts: HostPool;
  readonly guards: MapGuards | undefined;
  readonly onChange: () => void;
}

/** Makes owners of which none is known. */
export function makeOwners({ hosts, guards, onChange }: OwnersOptions): Owners {
  const map = makeShardMap(guards);

  const learn = (entry: MapEntry): void => {
    if (entry.epoch === 0 || entry.address === "" || !map.learn(entry)) return;
    hosts.to(entry.address);
    onChange();
  };
  const applyDelta: ShardMap["applyDelta"] = (delta) => {
    const outcome = map.applyDelta(delta);
    if (outcome !== "applied") return outcome;
    connectAll();
    onChange();
    return outcome;
  };
  /** To every owner, and to those that a shard is about to come to: nobody waits for a stream when it has moved. */
  const connectAll = (): void => {
    const addresses = map.entries().flatMap(({ address, moving }) => [address, moving?.toAddress ?? ""]);
    for (const address of new Set(addresses)) if (address !== "") hosts.to(address);
  };
  /** A host knows by the journal who owns a slot, but not always where that is reached. */
  const addressOf = (incarnation: string): string =>
    map.entries().find((entry) => entry.incarnation === incarnation)?.address ?? "";

  return {
    map: {
      get version() {
        return map.version;
      },
      entries: map.entries,
      ownerOf: map.ownerOf,
      learn: map.learn,
      apply: (update) => applyDelta({ ...update, fromVersion: 0, removed: [] }) === "applied",
      applyDelta,
    },
    learn,
    learnNotOwner({ range, host, address, epoch, incarnation }) {
      if (range === undefined) return;
      learn({ range, host, address: address || addressOf(incarnation), epoch, incarnation });
    },
  };
}
