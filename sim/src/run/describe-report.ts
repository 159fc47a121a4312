import { describeFault } from "../faults/fault.ts";
import type { SeedReport } from "./run-seed.ts";

const mostViolations = 8;

/** A run for a person: what went wrong, by what plan, and how to see it again. */
export function describeReport(report: SeedReport): string {
  const { seed, profile, journal, plan, violations, events, commands, acked, reads, records } = report;
  const lines = [
    `seed ${seed} (${profile}, ${journal} journal): ${violations.length === 0 ? "fine" : `${violations.length} violations`}`,
    `  ${events} events, ${acked} of ${commands} commands acked, ${reads} reads, ${records} records; ${tell(report.counts)}`,
    ...plan.map((fault) => `  ${describeFault(fault)}`),
  ];
  for (const { check, what, evidence } of violations.slice(0, mostViolations)) {
    lines.push(`  VIOLATED ${check}: ${what}`, ...evidence.map((line) => `    ${line}`));
  }
  if (violations.length > mostViolations) lines.push(`  and ${violations.length - mostViolations} more`);
  if (violations.length > 0) {
    lines.push(`  replay: npm run simulate -- --seed ${seed} --profile ${profile} --journal ${journal} --trace`);
  }
  return lines.join("\n");
}

/** Sums over many runs. */
export interface Totals {
  readonly seeds: number;
  readonly failed: number;
  readonly events: number;
  readonly commands: number;
  readonly acked: number;
  readonly reads: number;
  readonly counts: Readonly<Record<string, number>>;
  add(report: SeedReport): void;
}

/** Makes sums of nothing. */
export function makeTotals(): Totals {
  const counts: Record<string, number> = {};
  const totals = {
    ...{ seeds: 0, failed: 0, events: 0, commands: 0, acked: 0, reads: 0, counts },
    add({ violations, events, commands, acked, reads, counts: counted }: SeedReport): void {
      totals.seeds++;
      if (violations.length > 0) totals.failed++;
      totals.events += events;
      totals.commands += commands;
      totals.acked += acked;
      totals.reads += reads;
      for (const [name, count] of Object.entries(counted)) counts[name] = (counts[name] ?? 0) + count;
    },
  };
  return totals;
}

/** The sums for a person. */
export function describeTotals(totals: Totals, seconds: number): string {
  const { seeds, failed, events, commands, acked, reads, counts } = totals;
  return [
    `${events} events, ${acked} of ${commands} commands acked, ${reads} reads`,
    tell(counts),
    `${seeds} seeds, ${failed} failed, ${seconds.toFixed(1)} s (${((seconds / seeds) * 1_000).toFixed(0)} ms a seed)`,
  ].join("\n");
}

function tell(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).sort();
  return names.map((name) => `${name} ${counts[name]}`).join(", ");
}
