import { GuildhallError, isGuildhallError } from "@guildhall/errors";

/*
 * open ──a topic gave up on records that the journal would not take──▶ shut ──a record is stored──▶ open
 *
 * A topic with records on their way answers nobody before they are settled. While the journal takes nothing (its disk is
 * full, say) commands are therefore refused at the gate, but for one each probeMs that finds out, so that reading goes on.
 */

/** Whether the journal, as far as a host knows, takes records. */
export interface JournalGate {
  readonly isShut: boolean;
  /** Whether a record may be made now. */
  admits(): boolean;
  /** Records were given up because the journal would not take them. */
  shut(): void;
  /** A record was stored. */
  open(): void;
}

const probeMs = 1_000;

/** Makes a gate, open. */
export function makeJournalGate({ monotonicMs }: { readonly monotonicMs: () => number }): JournalGate {
  let isShut = false;
  let probeAtMs = 0;
  return {
    get isShut() {
      return isShut;
    },
    admits() {
      if (!isShut) return true;
      const nowMs = monotonicMs();
      if (nowMs < probeAtMs) return false;
      probeAtMs = nowMs + probeMs;
      return true;
    },
    shut() {
      if (!isShut) probeAtMs = monotonicMs() + probeMs;
      isShut = true;
    },
    open() {
      isShut = false;
    },
  };
}

/** What commands are refused with at a gate that is shut. */
export function journalTakesNothing(): GuildhallError {
  return new GuildhallError("JOURNAL_UNAVAILABLE", "the journal takes nothing at present", { retryAfterMs: 1_000 });
}

/** Whether an append failed because the journal could not take it, or was not reached at all. */
export function isRefusedByJournal(error: unknown): boolean {
  return isGuildhallError(error) && (error.code === "JOURNAL_UNAVAILABLE" || error.code === "UNAVAILABLE");
}
