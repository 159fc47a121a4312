/** One kept value and where it is kept. */
interface Entry<K, V> {
  readonly home: Map<K, Entry<K, V>>;
  readonly key: K;
  value: V;
}

/** Values of one owner (a topic), of which the least recently used go when all owners together have too many. */
export interface RecentMap<K, V> {
  get(key: K): V | undefined;
  /** As `get`, without counting as a use. */
  peek(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
}

/** A bound that several maps share. */
export interface RecentPool {
  readonly size: number;
  makeMap<K, V>(): RecentMap<K, V>;
}

/** Makes a pool of at most `max` values. */
export function makeRecentPool(max: number): RecentPool {
  // In order of use, the oldest first: a Set keeps insertion order.
  const order = new Set<Entry<unknown, unknown>>();

  const evict = (): void => {
    for (const oldest of order) {
      if (order.size <= max) return;
      order.delete(oldest);
      oldest.home.delete(oldest.key);
    }
  };

  return {
    get size() {
      return order.size;
    },
    makeMap<K, V>(): RecentMap<K, V> {
      const home = new Map<K, Entry<K, V>>();
      const forget = (entry: Entry<K, V>): void => {
        order.delete(entry as Entry<unknown, unknown>);
      };
      return {
        get(key) {
          const entry = home.get(key);
          if (entry === undefined) return undefined;
          forget(entry);
          order.add(entry as Entry<unknown, unknown>);
          return entry.value;
        },
        peek: (key) => home.get(key)?.value,
        set(key, value) {
          const known = home.get(key);
          if (known !== undefined) forget(known);
          const entry = { home, key, value };
          home.set(key, entry);
          order.add(entry as unknown as Entry<unknown, unknown>);
          if (order.size > max) evict();
        },
        delete(key) {
          const entry = home.get(key);
          if (entry === undefined) return;
          home.delete(key);
          forget(entry);
        },
        clear() {
          for (const entry of home.values()) forget(entry);
          home.clear();
        },
      };
    },
  };
}
