import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { DirectoryEntry, DirectoryKey } from "@guildhall/proto";
import { isInviteKey } from "./directory-key.ts";
import type { Clock, DataPort } from "./ports.ts";

/** How much the directory keeps and asks for. */
export interface DirectoryLimits {
  /** Finds kept; the least recently used goes first. */
  readonly finds: number;
  /** Misses kept; the oldest goes first. */
  readonly misses: number;
  /** Keys being asked for at once; more are refused. */
  readonly pending: number;
  /** Keys of one question. */
  readonly batch: number;
}

/** What the directory uses. */
export interface DirectoryOptions {
  readonly clock: Clock;
  readonly data: Pick<DataPort, "findDirectory">;
  readonly limits?: DirectoryLimits;
}

/** Ids to topics, asked of `data` and kept: an entry never changes, so finds are kept for ever. */
export interface Directory {
  /**
   * The topic of a channel or invite. Throws, or rejects with, UNKNOWN_CHANNEL or UNKNOWN_INVITE, with QUEUE_FULL, or with
   * DIRECTORY_UNAVAILABLE when `data` does not answer.
   */
  find(key: DirectoryKey): Promise<bigint> | bigint;
  counts(): { readonly finds: number; readonly pending: number };
}

const defaultLimits: DirectoryLimits = { finds: 200_000, misses: 10_000, pending: 10_000, batch: 500 };
/** What was not there a moment ago may be made any moment. */
const missMs = 1_000;
const askTimeoutMs = 5_000;
const retryAfterMs = 1_000;

interface Pending {
  readonly key: DirectoryKey;
  readonly promise: Promise<bigint>;
  readonly resolve: (topic: bigint) => void;
  readonly reject: (error: GuildhallError) => void;
}

/** Makes an empty directory. Questions of one turn for the same key are one, and go to `data` together. */
export function makeDirectory({ clock, data, limits = defaultLimits }: DirectoryOptions): Directory {
  const finds = new Map<string, bigint>();
  const misses = new Map<string, number>();
  const pending = new Map<string, Pending>();
  let next: Pending[] = [];

  function settle(asked: Pending, topic: bigint | undefined): void {
    const text = textOf(asked.key);
    pending.delete(text);
    if (topic === undefined) {
      put(misses, text, clock.monotonicMs() + missMs, limits.misses);
      asked.reject(unknown(asked.key));
    } else {
      put(finds, text, topic, limits.finds);
      asked.resolve(topic);
    }
  }

  async function ask(batch: readonly Pending[]): Promise<void> {
    try {
      const entries = await data.findDirectory(
        batch.map(({ key }) => key),
        askTimeoutMs,
      );
      const found = topicsByText(entries);
      for (const asked of batch) settle(asked, found.get(textOf(asked.key)));
    } catch (cause) {
      const reason = toGuildhallError(cause).message;
      for (const asked of batch) {
        pending.delete(textOf(asked.key));
        asked.reject(
          new GuildhallError("DIRECTORY_UNAVAILABLE", `the directory is out of reach: ${reason}`, {
            cause,
            retryAfterMs,
          }),
        );
      }
    }
  }

  function flush(): void {
    const all = next;
    next = [];
    for (let from = 0; from < all.length; from += limits.batch) void ask(all.slice(from, from + limits.batch));
  }

  return {
    find(key) {
      const text = textOf(key);
      const topic = touch(finds, text);
      if (topic !== undefined) return topic;
      const missUntilMs = misses.get(text);
      if (missUntilMs !== undefined && clock.monotonicMs() < missUntilMs) throw unknown(key);
      const asked = pending.get(text);
      if (asked !== undefined) return asked.promise;
      if (pending.size >= limits.pending) {
        throw new GuildhallError("QUEUE_FULL", `${limits.pending} ids are being looked up`, { retryAfterMs });
      }
      const fresh: Pending = { key, ...Promise.withResolvers<bigint>() };
      pending.set(text, fresh);
      if (next.push(fresh) === 1) void Promise.resolve().then(flush);
      return fresh.promise;
    },
    counts: () => ({ finds: finds.size, pending: pending.size }),
  };
}

function textOf({ kind, key }: DirectoryKey): string {
  return `${kind}:${key}`;
}

function topicsByText(entries: readonly DirectoryEntry[]): Map<string, bigint> {
  const topics = new Map<string, bigint>();
  for (const { key, topic } of entries) if (key !== undefined) topics.set(textOf(key), topic);
  return topics;
}

function unknown(key: DirectoryKey): GuildhallError {
  return isInviteKey(key)
    ? new GuildhallError("UNKNOWN_INVITE", `no invite ${key.key}`)
    : new GuildhallError("UNKNOWN_CHANNEL", `no channel ${key.key}`);
}

/** A Map keeps its keys in order of insertion: the first is the one used longest ago. */
function put<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}

function touch<V>(map: Map<string, V>, key: string): V | undefined {
  const value = map.get(key);
  if (value !== undefined) {
    map.delete(key);
    map.set(key, value);
  }
  return value;
}
