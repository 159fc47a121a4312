import { GuildhallError } from "@guildhall/errors";
import { type EpochRow, formatRange, type MapUpdate, type ShardRange } from "@guildhall/slots";
import { makeHostLeases } from "./host-leases.ts";
import { halvesOf, makeOwnership } from "./ownership.ts";
import type { Clock } from "./time.ts";

/*
 * One shard, as the coordinator sees it, is
 *
 *   unread   the journal's EPOCH rows have not been read yet: nothing is ordered
 *   held     another host owns it and that host's incarnation may live: nothing is ordered
 *   ordered  the assigned host has been told to take it, and has not reported it as owned
 *   owned    the current incarnation of the assigned host reports it
 *
 * and moves
 *
 *   unread → held | ordered | owned   `learnEpochs`
 *   held → ordered                    the owner's lease lapsed, or its host runs in another incarnation
 *   ordered → owned                   a renewal reports it
 *   owned → ordered                   another incarnation of the assigned host renews, or a report lacks it
 *
 * An order names the incarnation to take over from, never an epoch: the journal decides. The assignment is static:
 * shard i belongs to host i mod (number of hosts).
 */

/** What a host says of itself: that it lives, and which EPOCHs its incarnation has taken and serves. */
export interface Renewal {
  readonly host: string;
  readonly address: string;
  readonly incarnation: string;
  readonly owned: readonly EpochRow[];
}

/** A range to take. `fromIncarnation` is its last known owner, "" when none is known. */
export interface Order {
  readonly range: ShardRange;
  readonly moveId: string;
  readonly fromIncarnation: string;
}

/** What the fleet is made of. `map` is the last one published; `newId` makes ids that are never used again. */
export interface FleetOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly shards: number;
  readonly hosts: readonly string[];
  readonly map: MapUpdate;
}

/** How many of the shards are in which state. */
export interface FleetCounts {
  readonly hosts: number;
  readonly owned: number;
  readonly ordered: number;
}

/** Hosts, the shards they are to own, and the map of those they do. */
export interface Fleet {
  /**
   * Takes the last EPOCHs of all slots as the journal has them. Throws GuildhallError BAD_CONFIG when they speak of
   * another number of shards.
   */
  learnEpochs(rows: readonly EpochRow[]): void;
  /**
   * Takes a host's renewal and returns what it is to take. Throws GuildhallError FENCED for an incarnation that another
   * one has replaced: it must not believe that its lease holds.
   */
  renew(renewal: Renewal): Order[];
  /** The map; its version has risen when an entry changed. */
  map(): MapUpdate;
  /** For how long (ms) the oldest order has not been carried out; 0 when none is open. */
  oldestOrderMs(): number;
  counts(): FleetCounts;
}

interface OpenOrder extends Order {
  readonly host: string;
  readonly incarnation: string;
  readonly sinceMs: number;
}

/** Makes the fleet as of the coordinator's start. */
export function makeFleet({ clock, newId, shards, hosts, map }: FleetOptions): Fleet {
  const leases = makeHostLeases(clock);
  const ownership = makeOwnership(map, (former, by) => {
    if (former.host === by.host && former.incarnation !== by.incarnation) leases.replaced(former);
  });
  const orders = new Map<string, OpenOrder>();
  let epochsRead = false;

  function orderOf(range: ShardRange, { host, incarnation }: Renewal): Order | undefined {
    const owner = ownership.ownerOf(range);
    if (owner !== undefined && owner.host !== host && leases.mayLive(owner)) return undefined;
    const fromIncarnation = owner?.incarnation ?? "";
    const open = orders.get(formatRange(range));
    if (open?.incarnation === incarnation && open.fromIncarnation === fromIncarnation) return open;
    const order = { range, moveId: newId(), fromIncarnation, host, incarnation, sinceMs: clock.monotonicMs() };
    orders.set(formatRange(range), order);
    return order;
  }

  return {
    learnEpochs(rows) {
      const all = rows.flatMap(halvesOf);
      const odd = all.find(({ range }) => range.n !== shards);
      if (odd !== undefined) {
        throw new GuildhallError(
          "BAD_CONFIG",
          `the journal knows ${odd.range.n} shards; the configuration says ${shards}`,
        );
      }
      for (const row of all) ownership.learn(row);
      epochsRead = true;
    },
    renew(renewal) {
      if (!leases.renew(renewal)) {
        throw new GuildhallError("FENCED", `another incarnation of ${renewal.host} came after this one`);
      }
      const rows = renewal.owned.flatMap(halvesOf);
      ownership.report(renewal, rows);
      const owned = new Set(rows.map(({ range }) => formatRange(range)));
      for (const range of owned) orders.delete(range);
      if (!epochsRead) return [];
      return assigned(renewal.host, hosts, shards)
        .filter((range) => !owned.has(formatRange(range)))
        .flatMap((range) => orderOf(range, renewal) ?? [])
        .map(({ range, moveId, fromIncarnation }) => ({ range, moveId, fromIncarnation }));
    },
    map: ownership.map,
    oldestOrderMs() {
      const since = Math.min(...[...orders.values()].map(({ sinceMs }) => sinceMs));
      return orders.size === 0 ? 0 : clock.monotonicMs() - since;
    },
    counts() {
      const owned = ownership.owners().filter((owner) => leases.isCurrent(owner)).length;
      return { hosts: leases.count(), owned, ordered: orders.size };
    },
  };
}

/** The ranges of a host: shard i belongs to host i mod (number of hosts). None for a host that is not in the list. */
function assigned(host: string, hosts: readonly string[], shards: number): ShardRange[] {
  const ranges: ShardRange[] = [];
  const position = hosts.indexOf(host);
  if (position < 0) return ranges;
  for (let i = position; i < shards; i += hosts.length) ranges.push({ i, n: shards });
  return ranges;
}
