import type { EpochRecord } from "@guildhall/proto";
import { formatRange } from "@guildhall/slots";
import type { HostPorts } from "../ports.ts";
import { pause } from "./waiting.ts";

/** What became of an EPOCH that was asked for. */
export type EpochOutcome =
  | { readonly taken: true; readonly row: EpochRecord }
  | { readonly taken: false; readonly winner: EpochRecord | undefined };

/** An EPOCH to be asked for, over the one that its writer owns the range by. */
export interface EpochWish {
  readonly row: EpochRecord;
  readonly prev: EpochRecord;
  /** Whether the answer is known in another way by now, or nobody wants it any more. */
  readonly isOver: () => boolean;
}

const firstPauseMs = 20;
const maxPauseMs = 500;

/**
 * Asks for an EPOCH until it is known what became of it: asking again for what was taken is answered the same. Undefined
 * when it was over before.
 */
export async function settleEpoch(
  { row, prev, isOver }: EpochWish,
  { journal, timers, reporter }: Pick<HostPorts, "journal" | "timers" | "reporter">,
): Promise<EpochOutcome | undefined> {
  for (let pauseMs = firstPauseMs; !isOver(); pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      const { taken, winner } = await journal.takeEpoch(row, prev);
      if (taken) return { taken, row };
      return isSameTry(winner, row) ? { taken: true, row } : { taken, winner };
    } catch (error) {
      reporter.warn("an EPOCH was not answered, is asked for again", { range: rangeText(row), error });
    }
    await pause(pauseMs, timers);
  }
  return undefined;
}

/** The range of an EPOCH as text. */
export function rangeText({ range }: EpochRecord): string {
  return range === undefined ? "none" : formatRange(range);
}

function isSameTry(winner: EpochRecord | undefined, { epoch, incarnation, moveId, split }: EpochRecord): boolean {
  return (
    winner?.epoch === epoch && winner.incarnation === incarnation && winner.moveId === moveId && winner.split === split
  );
}
