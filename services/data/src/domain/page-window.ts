/** Which messages of a channel a page shows; ids are exclusive but for `around` and `one`. */
export type PageWindow =
  | { readonly kind: "latest"; readonly limit: number }
  | { readonly kind: "before" | "after" | "around"; readonly id: bigint; readonly limit: number }
  | { readonly kind: "one"; readonly id: bigint };

/** A run of messages on one side of an id (exclusive), counted from it. */
export interface Side {
  readonly side: "older" | "newer";
  readonly of: bigint;
  readonly limit: number;
}

/** What the merging looks at in a message. */
export interface MergedMessage {
  readonly messageId: bigint;
  readonly ts: bigint;
  readonly deleted: boolean;
}

/** Above all ids. */
const endOfIds = (1n << 63n) - 1n;

/** The runs that make up a window, the newest first. `around` takes half of its limit above the id. */
export function sidesOf(window: PageWindow): readonly Side[] {
  switch (window.kind) {
    case "latest":
      return [{ side: "older", of: endOfIds, limit: window.limit }];
    case "before":
      return [{ side: "older", of: window.id, limit: window.limit }];
    case "after":
      return [{ side: "newer", of: window.id, limit: window.limit }];
    case "around": {
      const newer = Math.floor(window.limit / 2);
      const older: Side = { side: "older", of: window.id + 1n, limit: window.limit - newer };
      return newer === 0 ? [older] : [{ side: "newer", of: window.id, limit: newer }, older];
    }
    case "one":
      return [{ side: "older", of: window.id + 1n, limit: 1 }];
    default:
      return window satisfies never;
  }
}

/** Whether a message lies on the side. */
export function isOnSide({ side, of }: Side, messageId: bigint): boolean {
  return side === "older" ? messageId < of : messageId > of;
}

/** How many stored messages must be looked at, so that enough are left when the tail has taken its deleted ones away. */
export function neededOf(side: Side, tail: Iterable<MergedMessage>): number {
  let deleted = 0;
  for (const row of tail) if (row.deleted && isOnSide(side, row.messageId)) deleted += 1;
  return side.limit + deleted;
}

/**
 * The side's messages, newest first: the stored ones (nearest first, `neededOf` many) under the tail's, which win unless
 * the stored one was written later.
 */
export function mergeSide<M extends MergedMessage>(
  side: Side,
  stored: readonly M[],
  tail: ReadonlyMap<bigint, M>,
): readonly M[] {
  const merged = new Map<bigint, M>();
  for (const row of stored) merged.set(row.messageId, row);
  for (const row of tail.values()) {
    if (!isOnSide(side, row.messageId)) continue;
    const known = merged.get(row.messageId);
    if (known === undefined || known.ts <= row.ts) merged.set(row.messageId, row);
  }
  const rows = [...merged.values()].filter((row) => !row.deleted).sort(newestFirst);
  return side.side === "older" ? rows.slice(0, side.limit) : rows.slice(Math.max(0, rows.length - side.limit));
}

function newestFirst(a: MergedMessage, b: MergedMessage): number {
  if (a.messageId === b.messageId) return 0;
  return a.messageId > b.messageId ? -1 : 1;
}
