import type { Clock } from "./time.ts";

/** How long a host's lease holds without renewal. */
export const hostLeaseTtlMs = 5_000;

// Older incarnations that are remembered per host; a host that restarts more often than this within the life of one
// stuck process would have to let that process speak for it again, which the journal's fence still catches.
const maxReplaced = 64;
const maxHosts = 4_096;

interface HostLease {
  /** The current one; undefined when none has renewed. */
  incarnation: string | undefined;
  renewedAtMs: number;
  readonly replaced: string[];
}

/** Which incarnation of each host is the current one, and whether it may live, by the coordinator's monotonic clock. */
export interface HostLeases {
  /** Takes a renewal; false when another incarnation of this host came after that one (or there are too many hosts). */
  renew(host: { host: string; incarnation: string }): boolean;
  /** The journal shows that another incarnation of the host came after this one. */
  replaced(host: { host: string; incarnation: string }): void;
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

  function leaseOf(host: string): HostLease | undefined {
    const known = hosts.get(host);
    if (known !== undefined || hosts.size >= maxHosts) return known;
    const lease = { incarnation: undefined, renewedAtMs: Number.NEGATIVE_INFINITY, replaced: [] };
    hosts.set(host, lease);
    return lease;
  }

  return {
    renew({ host, incarnation }) {
      const lease = leaseOf(host);
      if (lease === undefined || lease.replaced.includes(incarnation)) return false;
      const former = lease.incarnation;
      lease.incarnation = incarnation;
      lease.renewedAtMs = clock.monotonicMs();
      if (former !== undefined && former !== incarnation) remember(lease, former);
      return true;
    },
    replaced({ host, incarnation }) {
      const lease = leaseOf(host);
      if (lease !== undefined && lease.incarnation !== incarnation) remember(lease, incarnation);
    },
    mayLive: (owner) => isCurrent(owner) || (hosts.get(owner.host)?.incarnation === undefined && within(startedAtMs)),
    isCurrent,
    count: () => [...hosts.values()].filter(({ renewedAtMs }) => within(renewedAtMs)).length,
  };
}

function remember({ replaced }: HostLease, incarnation: string): void {
  if (replaced.includes(incarnation)) return;
  replaced.push(incarnation);
  if (replaced.length > maxReplaced) replaced.shift();
}
