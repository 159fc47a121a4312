import { GuildhallError } from "@guildhall/errors";
import type { CommandResult } from "@guildhall/proto";
import { timestampMsOf } from "@guildhall/snowflake";

/** How long a request id or an enforced nonce stands for what it first led to (ms). */
export const retryWindowMs = 300_000;

/** Requests made longer ago are refused unless the table knows them (ms). */
export const maxRequestAgeMs = 120_000;

// Plain request ids older than this would be refused anyway: they go first when there are many.
const disposableAgeMs = maxRequestAgeMs + 10_000;

// Answers kept in memory; older ones are read from the journal again.
const keptResults = 8_192;

/** What a known request id or nonce stands for. */
export type Attempt =
  | { readonly is: "pending"; readonly outcome: Promise<CommandResult> }
  | { readonly is: "done"; readonly result: CommandResult }
  /** The answer is in this record of the journal. */
  | { readonly is: "journaled"; readonly topic: bigint; readonly seq: bigint };

/** Request ids and enforced nonces of a shard's last 5 minutes. */
export interface RetryTable {
  readonly size: number;
  /** What the same request, or another with the same enforced nonce, led to. */
  find(requestId: bigint, nonceKey: string): Attempt | undefined;
  /** Takes a new command in. Throws REQUEST_TOO_OLD, or QUEUE_FULL when the table is full of younger ones. */
  begin(requestId: bigint, nonceKey: string, outcome: Promise<CommandResult>): void;
  /** It was refused or is certainly not journaled: the same request may be tried again. */
  forget(requestId: bigint, nonceKey: string): void;
  /** A command that is in the journal, with its time in microseconds. */
  learn(requestId: bigint, nonceKey: string, tsUs: bigint, result: CommandResult): void;
}

interface Entry {
  readonly requestId: bigint;
  readonly nonceKey: string;
  readonly atMs: number;
  attempt: Attempt;
}

/** Makes the table of a shard, of at most `max` requests. */
export function makeRetryTable({ max, nowMs }: { readonly max: number; readonly nowMs: () => number }): RetryTable {
  // Both nearly in order of time: what is learned when the shard is opened comes first.
  const requests = new Map<bigint, Entry>();
  const nonces = new Map<string, Entry>();
  let done: Entry[] = [];

  const drop = (entry: Entry): void => {
    if (requests.get(entry.requestId) === entry) requests.delete(entry.requestId);
    if (nonces.get(entry.nonceKey) === entry) nonces.delete(entry.nonceKey);
  };
  const sweep = (): void => {
    const now = nowMs();
    const many = requests.size > max / 4;
    for (const entry of requests.values()) {
      const keptMs = many && entry.nonceKey === "" ? disposableAgeMs : retryWindowMs;
      if (now - entry.atMs <= keptMs) return;
      drop(entry);
    }
  };
  const put = (requestId: bigint, nonceKey: string, atMs: number, attempt: Attempt): Entry => {
    const entry = { requestId, nonceKey, atMs, attempt };
    if (requestId !== 0n) requests.set(requestId, entry);
    if (nonceKey !== "") nonces.set(nonceKey, entry);
    return entry;
  };
  /** Lets the older half of the kept answers go. */
  const shed = (): void => {
    const half = done.length >> 1;
    for (const entry of done.slice(0, half)) {
      if (entry.attempt.is !== "done") continue;
      const { position } = entry.attempt.result;
      if (position !== undefined) entry.attempt = { is: "journaled", topic: position.topic, seq: position.seq };
    }
    done = done.slice(half);
  };

  return {
    get size() {
      return requests.size;
    },
    find(requestId, nonceKey) {
      const known = requests.get(requestId);
      if (known !== undefined) return known.attempt;
      const same = nonceKey === "" ? undefined : nonces.get(nonceKey);
      return same !== undefined && nowMs() - same.atMs <= retryWindowMs ? same.attempt : undefined;
    },
    begin(requestId, nonceKey, outcome) {
      const now = nowMs();
      if (now - timestampMsOf(requestId) > maxRequestAgeMs) {
        throw new GuildhallError("REQUEST_TOO_OLD", "the request was made over 2 minutes ago");
      }
      sweep();
      if (requests.size >= max) throw new GuildhallError("QUEUE_FULL", "too many requests in the last minutes");
      put(requestId, nonceKey, now, { is: "pending", outcome });
    },
    forget(requestId, nonceKey) {
      const entry = requests.get(requestId) ?? nonces.get(nonceKey);
      if (entry !== undefined) drop(entry);
    },
    learn(requestId, nonceKey, tsUs, result) {
      if (requestId === 0n && nonceKey === "") return;
      const known = requests.get(requestId);
      const attempt: Attempt = { is: "done", result };
      if (known !== undefined) known.attempt = attempt;
      done.push(known ?? put(requestId, nonceKey, Number(tsUs / 1000n), attempt));
      if (done.length > keptResults) shed();
    },
  };
}
