import { type HandoffOutcome, HandoffResult, type SlotRange } from "@guildhall/proto";

/** An order to split or to move, or to take anew, as it is carried out. */
export interface HandoffOrder {
  readonly range: SlotRange;
  readonly moveId: string;
}

/** The shard is the other host's, the split is in force, or the range was taken anew. */
export function doneOutcome({ range, moveId }: HandoffOrder, pauseMs: number): HandoffOutcome {
  return { range, moveId, result: HandoffResult.HANDOFF_RESULT_DONE, reason: "", pauseMs };
}

/** Nothing was sealed. */
export function refusedOutcome({ range, moveId }: HandoffOrder, reason: string): HandoffOutcome {
  return { range, moveId, result: HandoffResult.HANDOFF_RESULT_REFUSED, reason, pauseMs: 0 };
}

/** It was sealed, and goes on here. */
export function takenBackOutcome({ range, moveId }: HandoffOrder, reason: string, pauseMs: number): HandoffOutcome {
  return { range, moveId, result: HandoffResult.HANDOFF_RESULT_TAKEN_BACK, reason, pauseMs };
}

/** Neither here nor where it was to go: somebody else has it. */
export function lostOutcome({ range, moveId }: HandoffOrder, reason: string, pauseMs: number): HandoffOutcome {
  return { range, moveId, result: HandoffResult.HANDOFF_RESULT_UNSPECIFIED, reason, pauseMs };
}
