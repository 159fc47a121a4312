import type { EpochRow } from "@guildhall/slots";
import { formatRange } from "@guildhall/slots";
import type { HostRow } from "./kept.ts";
import type { Clock } from "./time.ts";

/*
 * One host, as the coordinator sees it, is
 *
 *   unknown   nothing was heard of it since the coordinator's own start (or since it slept)
 *   current   one incarnation of it renewed within the TTL
 *   lapsed    the last one did not
 *
 * and moves
 *
 *   unknown, lapsed → current   a renewal; of another incarnation than before: the former is replaced for good
 *   current → current           a renewal
 *   current → lapsed            a full TTL without one, by the monotonic clock, during which the coordinator was awake
 */

/** How long a host's lease holds without renewal. */
export const hostLeaseTtlMs = 5_000;

// Older incarnations that are remembered per host; a host that restarts more often than this within the life of one
// stuck process would have to let that process speak for it again, which the journal's fence still catches.
const maxReplaced = 16;
const maxHosts = 4_096;

/** What a shard takes of its host, averaged over the time since the host's last renewal. */
export interface ShardLoad {
  readonly openTopics: number;
  readonly commandsPerS: number;
  readonly bytesPerS: number;
  /** Part of the host's work that this shard is. */
  readonly cpuShare: number;
  readonly memoryBytes: number;
  /** The part of the commands that falls into the first half of the range. */
  readonly lowPart: number;
  readonly busiestTopic: bigint;
  readonly busiestPart: number;
}

/** A range that a host serves, and the EPOCH by which it owns it. */
export interface ServedShard {
  readonly row: EpochRow;
  readonly range: EpochRow["range"];
  readonly load?: ShardLoad;
}

/** What came of a move or a split, as the owner tells it. */
export interface Outcome {
  readonly moveId: string;
  readonly result: "done" | "taken back" | "refused";
  readonly reason: string;
  readonly pauseMs: number;
}

/** What a host says of itself. */
export interface Renewal {
  readonly host: string;
  readonly address: string;
  readonly incarnation: string;
  readonly shards: readonly ServedShard[];
  readonly outcomes: readonly Outcome[];
  /** CPU seconds per second. */
  readonly cpuShare: number;
  readonly memoryBytes: number;
  /** 0 = nothing appended. */
  readonly journalP99Ms: number;
  readonly version: string;
  /** Unix time as the host shows it; absent, 0 = not told. */
  readonly nowMs?: number;
}

/** A host's last word. */
export interface HostInfo extends Omit<Renewal, "shards" | "outcomes" | "nowMs"> {
  /** Monotonic. */
  readonly renewedAtMs: number;
  /** Monotonic: the first renewal of this incarnation. */
  readonly sinceMs: number;
  readonly served: ReadonlyMap<string, ServedShard>;
}

/** Names an incarnation of a host. */
export interface HostKey {
  readonly host: string;
  readonly incarnation: string;
}

/** Which incarnation of each host is the current one, whether it may live, and what it said last. */
export interface Hosts {
  /**
   * Takes a renewal: "refused" when another incarnation of this host came after that one (or there are too many hosts),
   * "same" when it says nothing but that the host lives on as before.
   */
  renew(renewal: Renewal): "refused" | "news" | "same";
  /** The journal shows that incarnation `by` of the host came after this one. */
  replaced(host: HostKey, by: string): void;
  /** Whether an incarnation was replaced by another. */
  isReplaced(host: HostKey): boolean;
  /** Whether the incarnation is the current one of its host, and its lease holds. */
  isCurrent(host: HostKey): boolean;
  /** Whether it may still be serving: it is current, or nothing was heard of the host for less than a TTL of being awake. */
  mayLive(host: HostKey): boolean;
  /** The current incarnation of a host, when its lease holds. */
  current(host: string): HostInfo | undefined;
  /** The last word of the host's last incarnation, whether it lives or not. */
  last(host: string): HostInfo | undefined;
  /** Those whose lease holds, by name. */
  alive(): readonly HostInfo[];
  names(): readonly string[];
  /** Whether this incarnation says that it serves exactly this, by this EPOCH. */
  serves(shard: { readonly key: string; readonly row: EpochRow | undefined }): boolean;
  /** The coordinator did not run for a while: nobody could renew meanwhile. */
  slept(): void;
}

interface Lease {
  /** The current one, perhaps of before the coordinator's start; empty = none. */
  incarnation: string;
  info: HostInfo | undefined;
  readonly replaced: string[];
}

/** What is kept of incarnations. */
type Incarnations = Pick<HostRow, "name" | "incarnation" | "replaced">;

/** Makes the hosts as of the coordinator's start, when nothing has been heard of anybody. `keep` is told what to keep. */
export function makeHosts(clock: Clock, rows: Iterable<Incarnations>, keep: (row: Incarnations) => void): Hosts {
  return new LeasedHosts(clock, rows, keep);
}

class LeasedHosts implements Hosts {
  readonly #clock: Clock;
  readonly #keep: (row: Incarnations) => void;
  readonly #leases = new Map<string, Lease>();
  #awakeSinceMs: number;

  constructor(clock: Clock, rows: Iterable<Incarnations>, keep: (row: Incarnations) => void) {
    this.#clock = clock;
    this.#keep = keep;
    this.#awakeSinceMs = clock.monotonicMs();
    for (const { name, incarnation, replaced } of rows) {
      this.#leases.set(name, { incarnation, info: undefined, replaced: [...replaced] });
    }
  }

  renew(renewal: Renewal): "refused" | "news" | "same" {
    const lease = this.#leaseOf(renewal.host);
    if (lease === undefined || lease.replaced.includes(renewal.incarnation)) return "refused";
    const nowMs = this.#clock.monotonicMs();
    const former = lease.info?.incarnation === renewal.incarnation ? lease.info : undefined;
    const { shards, outcomes, nowMs: _, ...said } = renewal;
    const served = new Map(shards.map((shard) => [formatRange(shard.range), shard]));
    const isSame = this.current(renewal.host) === former && saysTheSame(former, { ...said, served });
    lease.info = { ...said, served, renewedAtMs: nowMs, sinceMs: former?.sinceMs ?? nowMs };
    if (lease.incarnation === renewal.incarnation) return isSame ? "same" : "news";
    if (lease.incarnation !== "") remember(lease, lease.incarnation);
    lease.incarnation = renewal.incarnation;
    this.#keep({ name: renewal.host, incarnation: renewal.incarnation, replaced: [...lease.replaced] });
    return "news";
  }

  replaced({ host, incarnation }: HostKey, by: string): void {
    const lease = this.#leaseOf(host);
    if (lease === undefined || lease.replaced.includes(incarnation)) return;
    if (lease.incarnation === incarnation) {
      lease.incarnation = by;
      lease.info = undefined;
    }
    remember(lease, incarnation);
    this.#keep({ name: host, incarnation: lease.incarnation, replaced: [...lease.replaced] });
  }

  isReplaced({ host, incarnation }: HostKey): boolean {
    const lease = this.#leases.get(host);
    if (lease === undefined) return false;
    return lease.replaced.includes(incarnation) || (lease.incarnation !== "" && lease.incarnation !== incarnation);
  }

  isCurrent({ host, incarnation }: HostKey): boolean {
    return this.current(host)?.incarnation === incarnation;
  }

  mayLive(host: HostKey): boolean {
    if (this.isReplaced(host)) return false;
    const info = this.#leases.get(host.host)?.info;
    return this.#isWithinTtl(Math.max(info?.renewedAtMs ?? this.#awakeSinceMs, this.#awakeSinceMs));
  }

  current(host: string): HostInfo | undefined {
    const info = this.#leases.get(host)?.info;
    return info !== undefined && this.#isWithinTtl(info.renewedAtMs) ? info : undefined;
  }

  last(host: string): HostInfo | undefined {
    return this.#leases.get(host)?.info;
  }

  alive(): readonly HostInfo[] {
    const alive = [...this.#leases.values()].flatMap(({ info }) => (info === undefined ? [] : [info]));
    return alive.filter((info) => this.#isWithinTtl(info.renewedAtMs)).sort((a, b) => (a.host < b.host ? -1 : 1));
  }

  names(): readonly string[] {
    return [...this.#leases].filter(([, { info }]) => info !== undefined).map(([name]) => name);
  }

  serves({ key, row }: { readonly key: string; readonly row: EpochRow | undefined }): boolean {
    if (row === undefined) return false;
    const info = this.#leases.get(row.host)?.info;
    return info?.incarnation === row.incarnation && info.served.get(key)?.row.epoch === row.epoch;
  }

  slept(): void {
    this.#awakeSinceMs = this.#clock.monotonicMs();
  }

  #isWithinTtl(sinceMs: number): boolean {
    return this.#clock.monotonicMs() - sinceMs < hostLeaseTtlMs;
  }

  #leaseOf(host: string): Lease | undefined {
    const known = this.#leases.get(host);
    if (known !== undefined || this.#leases.size >= maxHosts) return known;
    const lease = { incarnation: "", info: undefined, replaced: [] };
    this.#leases.set(host, lease);
    return lease;
  }
}

type Said = Pick<HostInfo, "address" | "version" | "served">;

function saysTheSame(former: Said | undefined, said: Said): boolean {
  if (former?.address !== said.address || former.version !== said.version) return false;
  if (former.served.size !== said.served.size) return false;
  for (const [key, { row }] of said.served) if (former.served.get(key)?.row.epoch !== row.epoch) return false;
  return true;
}

function remember({ replaced }: Lease, incarnation: string): void {
  replaced.push(incarnation);
  if (replaced.length > maxReplaced) replaced.shift();
}
