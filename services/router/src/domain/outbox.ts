import type { BusItem } from "@guildhall/proto";

/** What may wait for a slow subscriber. */
export interface OutboxLimits {
  readonly items: number;
  readonly bytes: number;
}

/** Where a subscriber's items go. */
export interface Sink {
  /** Writes one message; `dropped` is how many items were left out so far. False: wait for `drained`. */
  write(batch: { readonly items: BusItem[]; readonly dropped: number }): boolean;
}

/** What an outbox uses. */
export interface OutboxOptions {
  readonly sink: Sink;
  readonly schedule: (run: () => void) => void;
  readonly limits: OutboxLimits;
  readonly onDropped: () => void;
}

/** The items on their way to one subscriber: those of a turn go as one message. */
export interface Outbox {
  /** Adds an item, or leaves it out and counts it when there is no room. */
  add(item: BusItem): void;
  /** Adds an answer to the subscriber's own request: never left out, and bounded by what it may ask. */
  confirm(item: BusItem): void;
  drained(): void;
  close(): void;
  size(): number;
}

// What an item costs beside its payload.
const overheadBytes = 64;
const messageBytes = 1 << 20;

/** Makes an empty outbox. */
export function makeOutbox({ sink, schedule, limits, onDropped }: OutboxOptions): Outbox {
  let queue: BusItem[] = [];
  let bytes = 0;
  let dropped = 0;
  let told = 0;
  let scheduled = false;
  let writable = true;
  let closed = false;

  function push(item: BusItem): void {
    queue.push(item);
    bytes += sizeOf(item);
    wake();
  }

  function wake(): void {
    if (scheduled || closed || !writable) return;
    scheduled = true;
    schedule(flush);
  }

  function flush(): void {
    scheduled = false;
    while (!closed && writable && (queue.length > 0 || dropped > told)) {
      const items = takeMessage();
      told = dropped;
      writable = sink.write({ items, dropped });
    }
  }

  /** The oldest items, up to about 1 MiB: gRPC refuses messages above 4 MiB. */
  function takeMessage(): BusItem[] {
    let end = 0;
    let taken = 0;
    while (end < queue.length && (end === 0 || taken < messageBytes)) taken += sizeOf(queue[end++] as BusItem);
    const items = end === queue.length ? queue : queue.slice(0, end);
    queue = end === queue.length ? [] : queue.slice(end);
    bytes -= taken;
    return items;
  }

  return {
    add(item) {
      if (queue.length < limits.items && bytes + sizeOf(item) <= limits.bytes) return push(item);
      dropped += 1;
      onDropped();
      wake();
    },
    confirm: push,
    drained() {
      writable = true;
      if (queue.length > 0 || dropped > told) wake();
    },
    close() {
      closed = true;
      queue = [];
    },
    size: () => queue.length,
  };
}

function sizeOf({ of }: BusItem): number {
  if (of?.$case === "event" || of?.$case === "ephemeral") return overheadBytes + of.value.length;
  if (of?.$case === "beat") return overheadBytes * (1 + of.value.heads.length);
  return overheadBytes;
}
