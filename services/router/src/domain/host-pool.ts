import type { Clock, ConnectHost, HostLink, Timers } from "./ports.ts";

/** The streams to the hosts, one each. */
export interface HostPool extends AsyncDisposable {
  /** The stream to a host; begins to connect when there is none. */
  to(address: string): HostLink;
  size(): number;
}

/** What the pool uses. `onUp` hears of every stream that is there (again). */
export interface HostPoolOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly connect: ConnectHost;
  readonly onUp: (address: string) => void;
}

interface PooledLink extends HostLink {
  idleSince(): number | undefined;
}

const sweepMs = 30_000;
/** Longer than any request waits for a stream. */
const idleMs = 60_000;

/** Makes a pool without streams; those that nothing was sent on for a minute are closed. */
export function makeHostPool({ clock, timers, connect, onUp }: HostPoolOptions): HostPool {
  const links = new Map<string, PooledLink>();
  let disposed = false;
  let timer = timers.after(sweepMs, sweep);

  function sweep(): void {
    for (const [address, link] of links) {
      const since = link.idleSince();
      if (since === undefined || clock.monotonicMs() - since < idleMs) continue;
      links.delete(address);
      void link[Symbol.asyncDispose]();
    }
    if (!disposed) timer = timers.after(sweepMs, sweep);
  }

  return {
    to(address) {
      const known = links.get(address);
      if (known !== undefined) return known;
      const link = pooled(
        clock,
        connect(address, () => onUp(address)),
      );
      links.set(address, link);
      return link;
    },
    size: () => links.size,
    async [Symbol.asyncDispose]() {
      disposed = true;
      timer[Symbol.dispose]();
      await Promise.all([...links.values()].map((link) => link[Symbol.asyncDispose]()));
      links.clear();
    },
  };
}

/** A link that knows since when nothing is under way on it. */
function pooled(clock: Clock, link: HostLink): PooledLink {
  let underWay = 0;
  let usedAtMs = clock.monotonicMs();
  return {
    get connected() {
      if (underWay === 0) usedAtMs = clock.monotonicMs();
      return link.connected;
    },
    async send(request, timeoutMs) {
      underWay += 1;
      try {
        return await link.send(request, timeoutMs);
      } finally {
        underWay -= 1;
        usedAtMs = clock.monotonicMs();
      }
    },
    idleSince: () => (underWay > 0 ? undefined : usedAtMs),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}
