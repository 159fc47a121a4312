/** A topic whose last records have an unknown outcome. */
export interface Doubt {
  /** None of those records lies at or below this position. */
  readonly floor: bigint;
  /** Up to here everybody was told what became of the records. */
  readonly durableSeq: bigint;
}

/** The topics of a shard that are in doubt, until they are opened anew. */
export interface Doubts {
  readonly size: number;
  /** The lowest of their floors; undefined when there is none. */
  readonly floor: bigint | undefined;
  get(topic: bigint): Doubt | undefined;
  set(topic: bigint, doubt: Doubt): void;
  delete(topic: bigint): void;
}

/** No doubts. */
export function makeDoubts(): Doubts {
  const doubts = new Map<bigint, Doubt>();
  return {
    get size() {
      return doubts.size;
    },
    get floor() {
      let least: bigint | undefined;
      for (const { floor } of doubts.values()) if (least === undefined || floor < least) least = floor;
      return least;
    },
    get: (topic) => doubts.get(topic),
    set: (topic, doubt) => void doubts.set(topic, doubt),
    delete: (topic) => void doubts.delete(topic),
  };
}
