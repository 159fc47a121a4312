import { rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

/*
 * One relay for each pair (who asks, who answers), made when the asker's environment is put together. States:
 * open ──hold()──▶ held (bytes wait, connections stay) ──open()──▶ open
 *   └──cut()──▶ cut (connections are ended, new ones refused) ──open()──▶ open
 */

/** Stands between two processes and can part them. */
interface Relay {
  readonly server: Server;
  readonly pairs: Set<readonly [Socket, Socket]>;
  state: "open" | "held" | "cut";
}

/** The relays between the processes of a fleet. */
export interface Relays extends AsyncDisposable {
  /** The address that `from` is to be given for `to`, which is reached at `address`. */
  between(from: string, to: string, address: string): string;
  /** Parts two processes: `held` as a network does that drops packets, `cut` as one that ends connections. */
  part(from: string, to: string, how: "held" | "cut"): void;
  /** Joins them again. */
  join(from: string, to: string): void;
  joinAll(): void;
}

const scheme = "unix:";

/** Makes relays with sockets in a folder, whose path must be short. */
export function makeRelays(folder: string): Relays {
  const relays = new Map<string, Relay>();
  const addresses = new Map<string, string>();
  let made = 0;

  const open = (to: string): { relay: Relay; path: string } => {
    const path = join(folder, `${made++}.sock`);
    rmSync(path, { force: true });
    const pairs = new Set<readonly [Socket, Socket]>();
    const relay: Relay = { server: createServer((inner) => connect(relay, inner, to)), pairs, state: "open" };
    relay.server.on("error", () => {});
    relay.server.listen(path);
    return { relay, path };
  };
  const set = (from: string, to: string, state: Relay["state"]): void => {
    const relay = relays.get(`${from}>${to}`);
    if (relay === undefined) throw new Error(`nothing goes from ${from} to ${to}`);
    relay.state = state;
    for (const [inner, outer] of relay.pairs) {
      if (state === "cut") {
        inner.destroy();
        outer.destroy();
      } else if (state === "held") {
        hold(inner, outer);
      } else {
        flow(inner, outer);
      }
    }
  };

  return {
    between(from, to, address) {
      if (!address.startsWith(scheme)) throw new Error(`${address} is no unix socket`);
      const key = `${from}>${to}`;
      const known = addresses.get(key);
      if (known !== undefined) return known;
      const { relay, path } = open(address.slice(scheme.length));
      relays.set(key, relay);
      addresses.set(key, `${scheme}${path}`);
      return `${scheme}${path}`;
    },
    part: set,
    join: (from, to) => set(from, to, "open"),
    joinAll() {
      for (const key of relays.keys()) {
        const [from = "", to = ""] = key.split(">");
        set(from, to, "open");
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { server, pairs } of relays.values()) {
        for (const pair of pairs) for (const socket of pair) socket.destroy();
        server.close();
      }
    },
  };
}

function connect(relay: Relay, inner: Socket, to: string): void {
  inner.on("error", () => {});
  if (relay.state === "cut") {
    inner.destroy();
    return;
  }
  const outer = createConnection(to);
  const pair = [inner, outer] as const;
  relay.pairs.add(pair);
  const end = (): void => {
    relay.pairs.delete(pair);
    inner.destroy();
    outer.destroy();
  };
  outer.on("error", end);
  for (const socket of pair) socket.on("close", end);
  if (relay.state === "held") hold(inner, outer);
  else flow(inner, outer);
}

function flow(inner: Socket, outer: Socket): void {
  inner.pipe(outer);
  outer.pipe(inner);
}

function hold(inner: Socket, outer: Socket): void {
  for (const [from, to] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    from.unpipe(to);
    from.pause();
  }
}
