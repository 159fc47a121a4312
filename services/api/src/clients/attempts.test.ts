import { type ErrorCode, GuildhallError } from "@guildhall/errors";
import { expect, test } from "@jest/globals";
import { withAttempts } from "./attempts.ts";

/** Makes a call whose attempts end as told: with an error's code, or well. */
async function outcome(changes: boolean, ends: readonly (ErrorCode | "ok")[], isFinal = true) {
  let nowMs = 0;
  const timeouts: number[] = [];
  const retries: string[] = [];
  const options = { monotonicMs: () => nowMs, timeoutMs: 1000, changes, onRetry: (code: string) => retries.push(code) };
  const result = await withAttempts(
    options,
    async (timeoutMs) => {
      timeouts.push(timeoutMs);
      nowMs += 300;
      const end = ends[timeouts.length - 1] ?? "STREAM_LOST";
      if (end !== "ok") throw new GuildhallError(end, "told so");
      return "done";
    },
    () => isFinal,
  ).catch((error: GuildhallError) => error.code);
  return { result, timeouts, retries: retries.length };
}

test("asks again with the time that is left when an answer was lost", async () => {
  expect(await outcome(true, ["STREAM_LOST", "STREAM_LOST", "ok"])).toEqual({
    result: "done",
    timeouts: [1000, 700, 400],
    retries: 2,
  });
});

test("says that the outcome is unknown when no answer could be had", async () => {
  expect((await outcome(true, [])).result).toBe("OUTCOME_UNKNOWN");
  expect((await outcome(true, ["STREAM_LOST", "UNAVAILABLE"])).result).toBe("OUTCOME_UNKNOWN");
  expect((await outcome(true, ["STREAM_LOST", "QUEUE_FULL"])).result).toBe("OUTCOME_UNKNOWN");
});

test("believes no refusal after a lost answer: the copy that was lost may still come, and be done", async () => {
  expect((await outcome(true, ["STREAM_LOST", "MISSING_PERMISSIONS"])).result).toBe("OUTCOME_UNKNOWN");
});

test("nor that there was nothing to change", async () => {
  expect((await outcome(true, ["STREAM_LOST", "ok"], false)).result).toBe("OUTCOME_UNKNOWN");
  expect((await outcome(true, ["ok"], false)).result).toBe("done");
  expect((await outcome(false, ["STREAM_LOST", "ok"], false)).result).toBe("done");
});

test("does not ask again after any other answer", async () => {
  for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "QUEUE_FULL", "UNKNOWN_CHANNEL"] as const) {
    expect(await outcome(true, [code])).toEqual({ result: code, timeouts: [1000], retries: 0 });
  }
});

test("a read that changes nothing fails as it failed", async () => {
  expect((await outcome(false, ["STREAM_LOST", "UNAVAILABLE"])).result).toBe("UNAVAILABLE");
});
