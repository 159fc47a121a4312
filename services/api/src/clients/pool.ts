/** Something that is connected or not. */
interface Connectable {
  readonly connected: boolean;
}

/** The clients of a service's processes. */
export interface Pool<C extends Connectable> {
  /** The next in turn of those connected; of all, while none is. */
  next(): C;
  isConnected(): boolean;
}

/** Makes a pool of at least one client. */
export function makePool<C extends Connectable>(clients: readonly C[]): Pool<C> {
  let turn = 0;
  return {
    next() {
      for (let tried = 0; tried < clients.length; tried++) {
        turn = (turn + 1) % clients.length;
        const client = clients[turn] as C;
        if (client.connected) return client;
      }
      return clients[turn] as C;
    },
    isConnected: () => clients.some(({ connected }) => connected),
  };
}
