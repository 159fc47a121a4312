/** What a key names: a channel by its decimal id, an invite by its code. Numbers are those of the wire. */
interface DirectoryKey {
  readonly kind: number;
  readonly key: string;
}

/** Where a key leads: the topic that owns it, in a cell. Never changes once it is there. */
export interface DirectoryEntry extends DirectoryKey {
  readonly topic: bigint;
  readonly cell: number;
}

/** The immutable directory id → topic. All failures are GuildhallErrors: DIRECTORY_UNAVAILABLE, QUEUE_FULL. */
export interface Directory extends AsyncDisposable {
  /**
   * Opens or creates it; what is left of a damaged one is salvaged, after `before` has come to pass. Rejects when it cannot
   * be opened (DIRECTORY_UNAVAILABLE) or never will be (STATE_VERSION, INTERNAL).
   */
  open(before?: Promise<unknown>): Promise<void>;
  /** Puts entries that are absent, durably; returns what is there now, in order. */
  put(entries: readonly DirectoryEntry[]): Promise<readonly DirectoryEntry[]>;
  /** The entries that exist. */
  find(keys: readonly DirectoryKey[]): Promise<readonly DirectoryEntry[]>;
}
