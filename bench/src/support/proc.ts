import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc/PID/stat; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** User and system CPU seconds of a process so far, from the text of /proc/PID/stat. */
export function cpuSecondsOf(stat: string): number {
  // The command's name may hold spaces and brackets; everything after the last bracket is fields.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** A field of /proc/PID/smaps_rollup or /proc/PID/status in bytes, e.g. `Pss` or `VmRSS`. */
export function bytesOf(text: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text);
  return Number(match?.[1] ?? Number.NaN) * 1024;
}

/** CPU seconds of several processes together. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(readFileSync(`/proc/${pid}/stat`, "utf8")), 0);
}

/** Proportional set size of several processes together, in bytes. */
export function pssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + bytesOf(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss"), 0);
}

/** Resident size of several processes together, in bytes. */
export function rssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + bytesOf(readFileSync(`/proc/${pid}/status`, "utf8"), "VmRSS"), 0);
}
