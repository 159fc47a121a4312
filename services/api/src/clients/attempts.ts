import { GuildhallError, toGuildhallError } from "@guildhall/errors";

/** How often and how long a call is tried. */
export interface AttemptOptions {
  readonly monotonicMs: () => number;
  /** For all attempts together, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether a call whose answer was lost may have changed something, or may yet. */
  readonly changes: boolean;
  readonly onRetry: (code: string) => void;
}

const maxAttempts = 8;

/**
 * Makes a call again, with the time that is left, when its stream broke before the answer: the callee knows a repeated
 * request by its id. Throws OUTCOME_UNKNOWN when a change may have been made and nobody could tell in the end. `isFinal`:
 * whether an answer holds for earlier copies of the request, too, that may still come.
 */
export async function withAttempts<T>(
  options: AttemptOptions,
  attempt: (timeoutMs: number) => Promise<T>,
  isFinal: (answer: T) => boolean = () => true,
): Promise<T> {
  const endMs = options.monotonicMs() + options.timeoutMs;
  let unknown = false;
  for (let made = 1; ; made++) {
    try {
      const answer = await attempt(Math.max(1, endMs - options.monotonicMs()));
      if (unknown && options.changes && !isFinal(answer)) throw outcomeUnknown();
      return answer;
    } catch (cause) {
      const error = toGuildhallError(cause);
      if (error.code === "STREAM_LOST" && made < maxAttempts && options.monotonicMs() < endMs) {
        unknown = true;
        options.onRetry(error.code);
        continue;
      }
      // A refusal of one copy says nothing of another that may still come.
      const isUnknown = options.changes && (unknown || error.code === "STREAM_LOST");
      throw isUnknown ? outcomeUnknown(error) : error;
    }
  }
}

function outcomeUnknown(cause?: GuildhallError): GuildhallError {
  return new GuildhallError("OUTCOME_UNKNOWN", "the answer was lost, and could not be had again", { cause });
}
