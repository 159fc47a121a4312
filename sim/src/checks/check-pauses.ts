import type { Evidence } from "./evidence.ts";

/** What a planned move may hold commands up, where nothing else is wrong (ms). */
const mostPauseMs = 100;

/** `pause`: moves and splits hold commands up for less than is promised. To be held to runs without faults only. */
export function checkPauses(evidence: Evidence): void {
  for (const { what, pauseMs, atMs } of evidence.pauses) {
    if (pauseMs < mostPauseMs) continue;
    evidence.violate("pause", `${what} held commands up for ${pauseMs.toFixed(1)} ms, at ${atMs.toFixed(0)} ms`, []);
  }
}
