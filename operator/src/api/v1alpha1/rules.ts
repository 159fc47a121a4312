import { parseDurationMs } from "./duration.ts";
import type { ShardSet } from "./shard-set.ts";

/** Something wrong with a document: where ("spec.shards"), and what. */
export interface SpecProblem {
  readonly path: string;
  readonly message: string;
}

interface DurationLimit {
  readonly field: "heartbeatInterval" | "resumeWindow";
  readonly least: string;
  readonly most: string;
}

const durationLimits: readonly DurationLimit[] = [
  { field: "heartbeatInterval", least: "100ms", most: "10m" },
  { field: "resumeWindow", least: "1s", most: "1h" },
];

/** What the schema cannot say: comparisons of fields and of units. Takes documents that the schema refused, too. */
export function brokenRules(document: unknown): SpecProblem[] {
  const spec = (document as { readonly spec?: Partial<ShardSet["spec"]> } | null | undefined)?.spec;
  if (typeof spec !== "object" || spec === null) return [];
  return [...durationProblems(spec), ...hostProblems(spec)];
}

function durationProblems({ gateway }: Partial<ShardSet["spec"]>): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const { field, least, most } of durationLimits) {
    const text: unknown = gateway?.[field];
    const valueMs = typeof text === "string" ? parseDurationMs(text) : undefined;
    if (valueMs === undefined) continue;
    if (valueMs >= (parseDurationMs(least) ?? 0) && valueMs <= (parseDurationMs(most) ?? 0)) continue;
    problems.push({ path: `spec.gateway.${field}`, message: `must be from ${least} to ${most}` });
  }
  return problems;
}

function hostProblems({ guild, shards }: Partial<ShardSet["spec"]>): SpecProblem[] {
  const hosts: unknown = guild?.hosts;
  if (typeof hosts !== "number" || typeof shards !== "number" || hosts <= shards) return [];
  return [
    { path: "spec.guild.hosts", message: `must not exceed spec.shards (${shards}): a host without a shard is idle` },
  ];
}
