import { parseDurationMs } from "./duration.ts";
import type { SpecProblem } from "./problems.ts";
import type { ShardSet } from "./shard-set.ts";
import { isTimeZone } from "./window.ts";

type Spec = ShardSet["spec"];

interface DurationLimit {
  readonly path: string;
  readonly of: (spec: Partial<Spec>) => unknown;
  readonly least: string;
  readonly most: string;
}

const durationLimits: readonly DurationLimit[] = [
  {
    path: "spec.gateway.heartbeatInterval",
    of: ({ gateway }) => gateway?.heartbeatInterval,
    least: "100ms",
    most: "10m",
  },
  { path: "spec.gateway.resumeWindow", of: ({ gateway }) => gateway?.resumeWindow, least: "1s", most: "1h" },
  { path: "spec.gateway.drain.deadline", of: ({ gateway }) => gateway?.drain?.deadline, least: "1s", most: "1h" },
  { path: "spec.rebalancing.cooldown", of: ({ rebalancing }) => rebalancing?.cooldown, least: "1s", most: "24h" },
];

/** What the schema cannot say: comparisons of fields and of units. Takes documents that the schema refused, too. */
export function brokenRules(document: unknown): SpecProblem[] {
  const spec = (document as { readonly spec?: Partial<Spec> } | null | undefined)?.spec;
  if (typeof spec !== "object" || spec === null) return [];
  return [
    ...durationProblems(spec),
    ...hostProblems(spec),
    ...ratioProblems(spec),
    ...windowProblems("spec.resharding.windows", spec.resharding?.windows),
    ...windowProblems("spec.rebalancing.windows", spec.rebalancing?.windows),
  ];
}

function durationProblems(spec: Partial<Spec>): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const { path, of, least, most } of durationLimits) {
    const text = of(spec);
    const valueMs = typeof text === "string" ? parseDurationMs(text) : undefined;
    if (valueMs === undefined) continue;
    if (valueMs >= (parseDurationMs(least) ?? 0) && valueMs <= (parseDurationMs(most) ?? 0)) continue;
    problems.push({ path, message: `must be from ${least} to ${most}` });
  }
  return problems;
}

function hostProblems({ guild, shards }: Partial<Spec>): SpecProblem[] {
  const hosts: unknown = guild?.hosts;
  if (typeof hosts !== "number" || typeof shards !== "number" || hosts <= shards) return [];
  return [
    { path: "spec.guild.hosts", message: `must not exceed spec.shards (${shards}): a host without a shard is idle` },
  ];
}

function ratioProblems({ rebalancing }: Partial<Spec>): SpecProblem[] {
  const { trigger, target } = (rebalancing ?? {}) as { readonly trigger?: unknown; readonly target?: unknown };
  if (typeof trigger !== "number" || typeof target !== "number" || target < trigger) return [];
  const message = `must be below spec.rebalancing.trigger (${trigger}): balancing would end before it began`;
  return [{ path: "spec.rebalancing.target", message }];
}

function windowProblems(path: string, windows: unknown): SpecProblem[] {
  if (!Array.isArray(windows)) return [];
  return windows.flatMap((window: unknown, index): SpecProblem[] => {
    const { from, to, timeZone } = (window ?? {}) as Readonly<Record<string, unknown>>;
    const problems: SpecProblem[] = [];
    if (from === "24:00") problems.push({ path: `${path}.${index}.from`, message: 'must be before "24:00"' });
    if (typeof from === "string" && from === to) {
      problems.push({ path: `${path}.${index}.to`, message: 'must differ from `from`; "00:00" to "24:00" is all day' });
    }
    if (typeof timeZone === "string" && timeZone !== "" && !isTimeZone(timeZone)) {
      const message = `must be an IANA name such as "Europe/Berlin", not ${JSON.stringify(timeZone)}`;
      problems.push({ path: `${path}.${index}.timeZone`, message });
    }
    return problems;
  });
}
