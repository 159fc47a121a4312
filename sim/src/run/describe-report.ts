import { describeFault } from "../faults/fault.ts";
import type { SeedReport } from "./run-seed.ts";

const mostViolations = 8;

/** A run for a person: what went wrong, by what plan, and how to see it again. */
export function describeReport(report: SeedReport): string {
  const { seed, profile, plan, violations, events, commands, acked, reads, records, fingerprint } = report;
  const lines = [
    `seed ${seed} (${profile}): ${violations.length === 0 ? "fine" : `${violations.length} violations`}`,
    `  ${events} events, ${acked} of ${commands} commands acked, ${reads} reads, ${records} records; ${fingerprint}`,
    ...plan.map((fault) => `  ${describeFault(fault)}`),
  ];
  for (const { check, what, evidence } of violations.slice(0, mostViolations)) {
    lines.push(`  VIOLATED ${check}: ${what}`, ...evidence.map((line) => `    ${line}`));
  }
  if (violations.length > mostViolations) lines.push(`  and ${violations.length - mostViolations} more`);
  if (violations.length > 0) {
    lines.push(`  replay: npm run simulate -- --seed ${seed} --profile ${profile} --trace`);
  }
  return lines.join("\n");
}
