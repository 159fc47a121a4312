import type { RestClient } from "./rest-client.ts";

/** A message that was acked: when it was sent and when the answer came (ms of performance.now()). */
export interface Ack {
  readonly sentMs: number;
  readonly ackedMs: number;
}

/** Sends at an even pace, whatever the answers take. */
export interface PacedSender {
  /** In the order of the answers. */
  readonly acks: readonly Ack[];
  /** Messages that were refused or not answered. */
  readonly failures: readonly string[];
  /** Messages left out because too many waited for their answers. */
  readonly skipped: number;
  /** To which channel the next ones go. */
  channelId: string;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

const mostUnderWay = 2_000;

/** Begins to send so many messages a second; `nextChannel` chooses where each goes, left out: `channelId`. */
export function startPacedSender(
  rest: RestClient,
  options: { readonly perSecond: number; readonly channelId: string; readonly nextChannel?: () => string },
): PacedSender {
  const everyMs = 1_000 / options.perSecond;
  const acks: Ack[] = [];
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  let number = 0;
  let dueMs = performance.now();
  const sender = { acks, failures, skipped: 0, channelId: options.channelId, stop };

  const send = async (): Promise<void> => {
    const sentMs = performance.now();
    const channelId = options.nextChannel?.() ?? sender.channelId;
    number += 1;
    const nonce = `${channelId.slice(-6)}-${number}`;
    try {
      await rest.must("POST", `/channels/${channelId}/messages`, { content: nonce, nonce, enforce_nonce: true });
      acks.push({ sentMs, ackedMs: performance.now() });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  // A timer of 1 ms, since one for each message would be late by as much each time.
  const timer = setInterval(() => {
    for (; dueMs <= performance.now(); dueMs += everyMs) {
      if (underWay.size >= mostUnderWay) {
        sender.skipped += 1;
        continue;
      }
      const sending = send().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, 1);
  async function stop(): Promise<void> {
    clearInterval(timer);
    while (underWay.size > 0) await Promise.all(underWay);
  }
  return sender;
}

/** The longest time without an ack that touches the time from `fromMs` to `toMs`; acks are taken in order. */
export function longestGapMs(acks: readonly Ack[], fromMs: number, toMs: number): number {
  let low = 0;
  for (let high = acks.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((acks[middle] as Ack).ackedMs < fromMs) low = middle + 1;
    else high = middle;
  }
  let longest = 0;
  for (let at = Math.max(1, low); at < acks.length; at++) {
    const [before, after] = [acks[at - 1] as Ack, acks[at] as Ack];
    if (before.ackedMs > toMs) break;
    longest = Math.max(longest, after.ackedMs - before.ackedMs);
  }
  return longest;
}
