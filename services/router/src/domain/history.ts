import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { HistoryGrant, Page, PageJson, Read, ReadResult } from "@guildhall/proto";
import type { Clock, DataPort } from "./ports.ts";

/** What history reads use. */
export interface HistoryOptions {
  readonly clock: Clock;
  readonly data: Pick<DataPort, "page">;
}

const emptyPage = new TextEncoder().encode("[]");
const maxAttempts = 3;
const retryAfterMs = 1_000;

/**
 * Carries out a history read that the channel's owner has granted. Rejects with UNKNOWN_MESSAGE when the one message
 * asked for is not there, and with STORE_UNAVAILABLE when `data` or the store does not answer.
 */
export async function readHistory(
  {
    read,
    traceparent,
    grant,
    deadlineMs,
  }: { read: Read; traceparent: string; grant: HistoryGrant; deadlineMs: number },
  options: HistoryOptions,
): Promise<ReadResult> {
  const page = pageOf(read, grant);
  if (grant.empty) {
    if (page.messageId !== 0n) throw unknownMessage(page);
    return json(emptyPage);
  }
  const answer = await fetchPage(page, traceparent, deadlineMs, options);
  if (page.messageId === 0n) return json(answer.json);
  if (answer.count === 0) throw unknownMessage(page);
  // One message is asked for: what is between the brackets.
  return json(answer.json.subarray(1, -1));
}

/** Reading twice does no harm, so a lost stream to `data` is not the asker's trouble. */
async function fetchPage(
  page: Page,
  traceparent: string,
  deadlineMs: number,
  { clock, data }: HistoryOptions,
): Promise<PageJson> {
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs()));
    try {
      return await data.page(page, { timeoutMs, traceparent });
    } catch (error) {
      const code = isGuildhallError(error) ? error.code : "INTERNAL";
      if (code === "STREAM_LOST" && attempt < maxAttempts && clock.monotonicMs() < deadlineMs) continue;
      if (code !== "STREAM_LOST" && code !== "UNAVAILABLE" && code !== "DEADLINE_EXCEEDED") throw error;
      throw new GuildhallError("STORE_UNAVAILABLE", "data does not answer", { cause: error, retryAfterMs });
    }
  }
}

function pageOf({ actor, body }: Read, { channelId, lastSeq, tail }: HistoryGrant): Page {
  const granted = { channelId, lastSeq, tail, viewerId: actor?.profile?.id ?? 0n };
  const whole = { before: 0n, after: 0n, around: 0n, limit: 0, messageId: 0n };
  if (body?.$case === "getMessage") return { ...whole, ...granted, messageId: body.value.messageId };
  if (body?.$case === "listMessages") {
    const { before, after, around, limit } = body.value;
    return { ...whole, ...granted, before, after, around, limit };
  }
  throw new GuildhallError("INTERNAL", "a host granted history to a read that asks for none");
}

function json(value: Uint8Array): ReadResult {
  return { of: { $case: "json", value: value as Buffer } };
}

function unknownMessage({ messageId }: Page): GuildhallError {
  return new GuildhallError("UNKNOWN_MESSAGE", `no message ${messageId}`);
}
