import type { APIMessage } from "discord-api-types/v10";
import type { Acked } from "./history-check.ts";
import type { Person } from "./people.ts";
import type { RestAnswer } from "./rest.ts";

/** A message that was acked, and when (ms since the epoch). */
export interface TimedAck extends Acked {
  readonly ackedAtMs: number;
}

/** One sender's messages to one channel, one after another. */
export interface Stream {
  readonly channelId: string;
  /** What was acked, in that order. */
  readonly acked: readonly TimedAck[];
}

/** People who post without pause. */
export interface Load {
  readonly streams: readonly Stream[];
  /** Requests that wait for their answer now. */
  readonly inFlight: number;
  readonly ackedCount: number;
  /** Requests that were sent again as libraries do it, by the reason. */
  readonly retried: ReadonlyMap<string, number>;
  /** Requests that a library would have told its user of, and that were asked again later. */
  readonly raised: readonly string[];
  /** What no sender gets over: answers that are not to be repeated, or none for too long. */
  readonly failures: readonly string[];
  /** Resolves at an answer that comes while at least `least` other requests are still under way. */
  whenInFlight(least: number): Promise<void>;
  /** Resolves when every message under way has been answered. */
  stop(): Promise<void>;
}

/** Who posts, where, and how fast altogether. */
export interface LoadOptions {
  readonly people: readonly Person[];
  readonly channelIds: readonly string[];
  /** Messages a second of all together. */
  readonly perSecond: number;
  /** Tells the contents of this load from those of others; short, since contents are nonces. */
  readonly name: string;
}

// As @discordjs/rest: three retries, at once, after a 5xx or a connection that was reset.
const libraryRetries = 3;
const giveUpMs = 30_000;
const raisedPauseMs = 50;

class RunningLoad implements Load {
  readonly streams: Stream[] = [];
  readonly retried = new Map<string, number>();
  readonly raised: string[] = [];
  readonly failures: string[] = [];
  inFlight = 0;
  ackedCount = 0;
  #isStopped = false;
  #waiters: { least: number; resolve: () => void }[] = [];
  readonly #loops: Promise<void>[];

  constructor({ people, channelIds, perSecond, name }: LoadOptions) {
    const pairs = people.flatMap((person) => channelIds.map((channelId) => ({ person, channelId })));
    const everyMs = (1_000 * pairs.length) / perSecond;
    const startMs = performance.now();
    this.#loops = pairs.map(async ({ person, channelId }, at) => {
      const acked: TimedAck[] = [];
      this.streams.push({ channelId, acked });
      for (let number = 0; !this.#isStopped; number += 1) {
        const outcome = await this.#post(person, channelId, `${name} ${at} ${number}`);
        if (typeof outcome === "string") this.failures.push(outcome);
        else acked.push(outcome);
        // All at once, in waves; who was held up catches up.
        await sleep(startMs + (number + 1) * everyMs - performance.now());
      }
    });
  }

  whenInFlight(least: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ least, resolve }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  /** Posts one message until it is acked; what was acked, or why it will never be. */
  async #post(person: Person, channelId: string, content: string): Promise<TimedAck | string> {
    const form = { content, nonce: content, enforce_nonce: true };
    const ask = () => person.rest.send("POST", `/channels/${channelId}/messages`, form);
    const endMs = performance.now() + giveUpMs;
    this.inFlight += 1;
    try {
      for (;;) {
        const answer = await this.#askAsLibrary(ask);
        if (typeof answer !== "string") {
          if (answer.status !== 200) return `${content}: ${answer.status} ${answer.text}`;
          return { id: (answer.body as APIMessage).id, content, ackedAtMs: Date.now() };
        }
        this.raised.push(answer);
        if (performance.now() > endMs) return `${content}: still ${answer} after ${giveUpMs} ms`;
        await sleep(raisedPauseMs);
      }
    } finally {
      this.inFlight -= 1;
      this.ackedCount += 1;
      this.#wake();
    }
  }

  /** An answer to believe, or the error that a library would raise. */
  async #askAsLibrary(ask: () => Promise<RestAnswer>): Promise<RestAnswer | string> {
    for (let retries = 0; ; retries += 1) {
      const answer = await ask().catch((error: NodeJS.ErrnoException) => error);
      const isError = answer instanceof Error;
      if (!isError && answer.status < 500) return answer;
      const why = isError ? (answer.code ?? answer.message) : `${answer.status} ${answer.text}`;
      if (retries === libraryRetries || (isError && answer.code !== "ECONNRESET")) return why;
      this.retried.set(why, (this.retried.get(why) ?? 0) + 1);
    }
  }

  #wake(): void {
    const due = this.#waiters.filter(({ least }) => this.inFlight >= least);
    this.#waiters = this.#waiters.filter(({ least }) => this.inFlight < least);
    for (const { resolve } of due) resolve();
  }
}

/** Lets every person post to every channel, each message with an enforced nonce, so that sending it again is harmless. */
export function startLoad(options: LoadOptions): Load {
  return new RunningLoad(options);
}

/** The longest time (ms) in which nobody was acked in a channel, of those that touch the time from `fromMs` to `toMs`. */
export function longestPauseMs(load: Load, channelId: string, fromMs: number, toMs: number): number {
  const times = load.streams
    .filter((stream) => stream.channelId === channelId)
    .flatMap(({ acked }) => acked.map(({ ackedAtMs }) => ackedAtMs))
    .toSorted((a, b) => a - b);
  let longest = 0;
  for (const [at, time] of times.entries()) {
    const before = times[at - 1];
    if (before !== undefined && time >= fromMs && before <= toMs) longest = Math.max(longest, time - before);
  }
  return longest;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
