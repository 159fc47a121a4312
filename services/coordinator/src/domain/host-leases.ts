import type { Clock } from "./time.ts";

/** How long a host's lease holds without renewal. */
export const hostLeaseTtlMs = 5_000;

// Older incarnations that are remembered per host; a host that restarts more often than this within the life of one
// stuck process would have to let that process speak for it again, which the journal's fence still catches.
const maxReplaced = 64;
const maxHosts = 4_096;

interface HostLease {
  incarnation: string;
  renewedAtMs: number;
  readonly replaced: string[];
}

/** Which incarnation of each host is the current one, and whether it may live, by the coordinator's monotonic clock. */
export interface HostLeases {
  /** Takes a renewal; false when another incarnation of this host came after that one (or there are too many hosts). */
  renew(host: { host: string; incarnation: string }): boolean;
  /**
   * Whether the incarnation may still be serving: it is the current one and renewed within the TTL. Before one TTL has
   * passed since the start, also a host not heard of.
   */
  mayLive(owner: { host: string; incarnation: string }): boolean;
  /** Whether the incarnation is the current one of its host, and its lease holds. */
  isCurrent(owner: { host: string; incarnation: string }): boolean;
  /** Hosts whose lease holds. */
  count(): number;
}

/** Makes the leases as of the coordinator's start, when nothing has been heard of anybody. */
export function makeHostLeases(clock: Clock): HostLeases {
  const startedAtMs = clock.monotonicMs();
  const hosts = new Map<string, HostLease>();
  const within = (sinceMs: number): boolean => clock.monotonicMs() - sinceMs < hostLeaseTtlMs;

  const isCurrent = ({ host, incarnation }: { host: string; incarnation: string }): boolean => {
    const lease = hosts.get(host);
    return lease !== undefined && lease.incarnation === incarnation && within(lease.renewedAtMs);
  };

  return {
    renew({ host, incarnation }) {
      const lease = hosts.get(host);
      if (lease === undefined) {
        if (hosts.size >= maxHosts) return false;
        hosts.set(host, { incarnation, renewedAtMs: clock.monotonicMs(), replaced: [] });
        return true;
      }
      if (lease.replaced.includes(incarnation)) return false;
      if (lease.incarnation !== incarnation) {
        lease.replaced.push(lease.incarnation);
        if (lease.replaced.length > maxReplaced) lease.replaced.shift();
        lease.incarnation = incarnation;
      }
      lease.renewedAtMs = clock.monotonicMs();
      return true;
    },
    mayLive: (owner) => isCurrent(owner) || (!hosts.has(owner.host) && within(startedAtMs)),
    isCurrent,
    count: () => [...hosts.values()].filter(({ renewedAtMs }) => within(renewedAtMs)).length,
  };
}
