import type { FaultKind } from "./faults/fault-plan.ts";

/** A fault as it went, and what people had of it. */
export interface FaultReport {
  readonly number: number;
  /** Since the load began, in milliseconds. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly what: string;
  /** How long the fault itself lasted. */
  readonly lastedMs: number;
  /** The longest time in which nobody was acked in one channel, of those that began before the next fault. */
  readonly sendPauseMs: number;
  /** Sessions that lost their connection around it, and the longest time until one was back. */
  readonly sessionsAway: number;
  readonly longestAwayMs: number;
  /** Why it could not be done or did not end, when that is so. */
  readonly failure?: string;
}

/** A whole run. */
export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly sessions: number;
  readonly sent: number;
  readonly shown: number;
  readonly resumed: number;
  readonly lost: number;
  readonly faults: readonly FaultReport[];
  /** What was lost, doubled, reordered or shown to the wrong person. Empty when nothing was. */
  readonly problems: readonly string[];
}

const mostListed = 50;

/** Whether nothing was lost, doubled or reordered, no session was lost, and every fault could be done. */
export function isClean({ problems, lost, faults }: ChaosReport): boolean {
  return problems.length === 0 && lost === 0 && faults.every(({ failure }) => failure === undefined);
}

/** The report for people. */
export function renderReport(report: ChaosReport): string {
  const { seed, minutes, sessions, sent, shown, resumed, lost, faults, problems } = report;
  const verdict = isClean(report) ? "Nothing was lost, doubled or reordered, and no session was lost." : "NOT CLEAN.";
  const kinds = Map.groupBy(faults, ({ kind }) => kind);
  return `# Chaos run, seed ${seed}

${verdict}

${minutes.toFixed(1)} minutes, ${sessions} sessions, ${sent} messages acked, ${shown} shown, ${resumed} resumes, ${lost} sessions lost,
${faults.length} faults (${[...kinds].map(([kind, list]) => `${list.length} ${kind}`).join(", ")}).

| # | at | fault | what | lasted | send pause | sessions away | back after |
|---|---|---|---|---|---|---|---|
${faults.map(row).join("\n")}

Send pause: the longest time in which nobody was acked in one channel, of those that began before the next fault. Back after: the longest time from a
session's loss of its connection until it was resumed.
${problems.length === 0 ? "" : `\n## Problems (${problems.length})\n\n${listed(problems)}\n`}`;
}

function row({ number, atMs, kind, what, failure, ...figures }: FaultReport): string {
  const { lastedMs, sendPauseMs, sessionsAway, longestAwayMs } = figures;
  const text = failure === undefined ? what : `${what}: ${failure}`;
  const cells = [number, seconds(atMs), kind, text, seconds(lastedMs), seconds(sendPauseMs), sessionsAway];
  return `| ${cells.join(" | ")} | ${sessionsAway === 0 ? "" : seconds(longestAwayMs)} |`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 1_000 ? 3 : 1)} s`;
}

function listed(problems: readonly string[]): string {
  const lines = problems.slice(0, mostListed).map((problem) => `- ${problem}`);
  if (problems.length > mostListed) lines.push(`- and ${problems.length - mostListed} more`);
  return lines.join("\n");
}
