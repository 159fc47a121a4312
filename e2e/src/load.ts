import type { APIMessage } from "discord-api-types/v10";
import type { Acked } from "./history-check.ts";
import type { Person } from "./people.ts";

/** One sender's messages to one channel, one after another. */
export interface Stream {
  readonly channelId: string;
  /** What was acked, in that order. */
  readonly acked: readonly Acked[];
}

/** People who post without pause. */
export interface Load {
  readonly streams: readonly Stream[];
  /** Requests that wait for their answer now. */
  readonly inFlight: number;
  readonly ackedCount: number;
  /** Requests that had to be sent again. */
  readonly retried: number;
  /** What no client gets over: answers that are not to be repeated, or none for too long. */
  readonly failures: readonly string[];
  /** Resolves when every message under way has been answered. */
  stop(): Promise<void>;
}

/** Who posts, where, and how fast altogether. */
export interface LoadOptions {
  readonly people: readonly Person[];
  readonly channelIds: readonly string[];
  /** Messages a second of all together, at most. */
  readonly perSecond: number;
  /** Told apart from other loads in the contents. */
  readonly name: string;
}

const giveUpMs = 30_000;
const pauseMs = 50;

interface Counts {
  inFlight: number;
  acked: number;
  retried: number;
}

/**
 * Lets every person post to every channel. A request that met a 5xx or a broken connection is sent again, as libraries
 * do, with the same enforced nonce, so that it cannot double.
 */
export function startLoad({ people, channelIds, perSecond, name }: LoadOptions): Load {
  const counts: Counts = { inFlight: 0, acked: 0, retried: 0 };
  const failures: string[] = [];
  let isStopped = false;
  const pairs = people.flatMap((person) => channelIds.map((channelId) => ({ person, channelId })));
  const everyMs = (1_000 * pairs.length) / perSecond;
  const streams: { channelId: string; acked: Acked[] }[] = [];
  const loops = pairs.map(async ({ person, channelId }, at) => {
    const acked: Acked[] = [];
    streams.push({ channelId, acked });
    // Spread over the first interval, so that they do not all come at once.
    await sleep((everyMs * at) / pairs.length);
    for (let number = 0; !isStopped; number += 1) {
      const dueMs = performance.now() + everyMs;
      const content = `${name} ${at} ${number}`;
      const outcome = await post(person, channelId, content, counts);
      if (typeof outcome === "string") failures.push(`${content}: ${outcome}`);
      else acked.push(outcome);
      await sleep(dueMs - performance.now());
    }
  });
  return {
    streams,
    failures,
    get inFlight() {
      return counts.inFlight;
    },
    get ackedCount() {
      return counts.acked;
    },
    get retried() {
      return counts.retried;
    },
    async stop() {
      isStopped = true;
      await Promise.all(loops);
    },
  };
}

/** Posts one message; what was acked, or why it will never be. */
async function post(person: Person, channelId: string, content: string, counts: Counts): Promise<Acked | string> {
  const form = { content, nonce: content, enforce_nonce: true };
  const endMs = performance.now() + giveUpMs;
  counts.inFlight += 1;
  try {
    for (;;) {
      const answer = await person.rest
        .send("POST", `/channels/${channelId}/messages`, form)
        .catch((error: NodeJS.ErrnoException) => error);
      if (!(answer instanceof Error)) {
        if (answer.status === 200) {
          counts.acked += 1;
          return { id: (answer.body as APIMessage).id, content };
        }
        if (answer.status < 500) return `${answer.status} ${answer.text}`;
      }
      const why = answer instanceof Error ? `${answer.code} ${answer.message}` : `${answer.status} ${answer.text}`;
      if (performance.now() > endMs) return `still ${why} after ${giveUpMs} ms`;
      counts.retried += 1;
      await sleep(pauseMs);
    }
  } finally {
    counts.inFlight -= 1;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
