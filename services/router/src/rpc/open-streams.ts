/** A stream that its server can end. */
interface Endable {
  end(): void;
}

/** The open streams of a handler. */
export interface OpenStreams<S extends Endable> {
  add(stream: S): void;
  delete(stream: S): void;
  /** Ends all of them, in order: what has been written arrives. Those that come later are ended at once. */
  drain(): Promise<void>;
}

/** Makes an empty set. */
export function makeOpenStreams<S extends Endable>(): OpenStreams<S> {
  const open = new Set<S>();
  let draining = false;
  return {
    add(stream) {
      if (draining) stream.end();
      else open.add(stream);
    },
    delete: (stream) => void open.delete(stream),
    async drain() {
      draining = true;
      for (const stream of open) stream.end();
    },
  };
}
