import type { EpochRow } from "@guildhall/slots";
import { allGuards, type DataGuards } from "./guards.ts";

/** What of a record decides whether it may be appended. `hash` is of its encoded bytes. */
export interface AppendAsk {
  readonly epoch: number;
  readonly seq: bigint;
  readonly hash: Uint8Array;
}

/** A record that the journal holds. */
export interface HeldRecord extends AppendAsk {
  readonly position: bigint;
}

/** The answer to one record of an append. */
export type AppendAnswer =
  | { readonly kind: "stored"; readonly position: bigint }
  | { readonly kind: "fenced"; readonly owner: EpochRow | undefined }
  | { readonly kind: "gap"; readonly last: bigint };

/** What the journal knows when a record arrives. */
export interface AppendContext {
  /** The topic's last record, also when it has been trimmed. */
  readonly head: HeldRecord | undefined;
  /** The owner of the topic's slot. */
  readonly owner: EpochRow | undefined;
  /** Looks a record of the topic up by its seq. */
  find(seq: bigint): HeldRecord | undefined;
}

/**
 * Judges a record. A resend of what is held is `stored` again, whoever owns the slot by now: it is durable, and saying
 * otherwise would be false. Undefined = append it.
 */
export function judgeAppend(
  ask: AppendAsk,
  { head, owner, find }: AppendContext,
  guards: DataGuards = allGuards,
): AppendAnswer | undefined {
  const last = head?.seq ?? 0n;
  if (head !== undefined && ask.seq <= last) {
    const held = ask.seq === last ? head : find(ask.seq);
    if (held !== undefined && sameRecord(held, ask)) return { kind: "stored", position: held.position };
  }
  if (guards.fencing && owner?.epoch !== ask.epoch) return { kind: "fenced", owner };
  return ask.seq === last + 1n ? undefined : { kind: "gap", last };
}

function sameRecord(held: HeldRecord, ask: AppendAsk): boolean {
  return held.epoch === ask.epoch && held.hash.every((byte, index) => byte === ask.hash[index]);
}
