import type { Load } from "@guildhall/e2e";

/** The acks of a load, in order of time; made once, asked often. */
export type AckTimes = Float64Array;

/** When a load's messages were acked (ms since the epoch). */
export function ackTimesOf({ streams }: Load): AckTimes {
  return Float64Array.from(streams.flatMap(({ acked }) => acked.map(({ ackedAtMs }) => ackedAtMs))).sort();
}

// A pause begins with the last ack before its cause.
const beforeMs = 500;

/** The longest time (ms) without an ack that began while something was going on, from `fromMs` to `untilMs`. */
export function longestPauseMs(times: AckTimes, fromMs: number, untilMs: number): number {
  let longest = 0;
  for (let at = 1; at < times.length; at++) {
    const [begin, end] = [times[at - 1] as number, times[at] as number];
    if (begin >= fromMs - beforeMs && begin < untilMs && end > fromMs) longest = Math.max(longest, end - begin);
  }
  return longest;
}
