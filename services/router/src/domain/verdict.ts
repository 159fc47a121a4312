import { errorTable, isErrorCode, isGuildhallError } from "@guildhall/errors";
import type { NotOwner } from "@guildhall/proto";
import type { Answer } from "./ports.ts";

/** What came of one attempt at a host: its answer, or what `send` rejected with. */
export type Outcome =
  | { readonly answer: Answer }
  | { readonly error: unknown }
  /** Another owner is known, and the one asked has had its time to answer. */
  | { readonly superseded: true };

/** What an outcome means for the request. */
export type Verdict =
  /** To be handed on. */
  | { readonly kind: "answered"; readonly answer: Answer }
  /** Certainly not done: this host does not own the slot. */
  | { readonly kind: "not-owner"; readonly notOwner: NotOwner }
  /** Certainly not done, and the host says so with `answer`; `passing`: whether that may be over, and when. */
  | { readonly kind: "refused"; readonly answer: Answer; readonly passing: "no" | "soon" | "with-its-owner" }
  /** Certainly not done: never written to the host. */
  | { readonly kind: "unsent" }
  /** Certainly not done, and no host could. */
  | { readonly kind: "impossible"; readonly error: unknown }
  /** It may have been done. */
  | { readonly kind: "unknown" };

// 503 is said only of what is certainly not journaled. Of these codes, those that say "ask again at once"; the others
// (overload, a store that is down) are for the asker to hear.
const passing: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "JOURNAL_GAP",
  "JOURNAL_UNAVAILABLE",
  // The host is telling the coordinator how far ahead its ids will go.
  "ID_CLOCK_AHEAD",
]);
/** The host stops, or serves the slot no more: another one is about to. */
const leaving: ReadonlySet<string> = new Set(["DRAINING", "NOT_OWNER", "FENCED"]);
const unknown: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "STREAM_LOST", "DEADLINE_EXCEEDED"]);

/** Judges one attempt. */
export function judge(outcome: Outcome): Verdict {
  if ("superseded" in outcome) return { kind: "unknown" };
  if ("error" in outcome) return judgeError(outcome.error);
  const { answer } = outcome;
  if (answer.$case === "notOwner") return { kind: "not-owner", notOwner: answer.value };
  if (answer.$case !== "failure") return { kind: "answered", answer };
  const { code } = answer.value;
  if (unknown.has(code)) return { kind: "unknown" };
  if (isErrorCode(code) && errorTable[code].httpStatus === 503)
    return { kind: "refused", answer, passing: passingOf(code) };
  return { kind: "answered", answer };
}

function passingOf(code: string): "no" | "soon" | "with-its-owner" {
  if (leaving.has(code)) return "with-its-owner";
  return passing.has(code) ? "soon" : "no";
}

function judgeError(error: unknown): Verdict {
  const code = isGuildhallError(error) ? error.code : "INTERNAL";
  if (code === "PAYLOAD_TOO_LARGE") return { kind: "impossible", error };
  return { kind: code === "UNAVAILABLE" || code === "QUEUE_FULL" ? "unsent" : "unknown" };
}
