import type { SpecProblem } from "../api/v1alpha1/problems.ts";
import type { ShardSet } from "../api/v1alpha1/shard-set.ts";

/** One field that differs between two documents. */
export interface SpecChange {
  readonly path: string;
  /** undefined: it was left out. */
  readonly from: unknown;
  readonly to: unknown;
}

/** How far the number of shards is, for saying what it may become. */
export interface ReshardSeen {
  /** As the coordinator says it: "", "Planned", "Splitting", "Moving", "Completed", "Cancelled" or "Undone". */
  readonly phase: string;
  readonly from: number;
  readonly to: number;
  /** How many shards serve; 0 = not known yet. */
  readonly serving: number;
}

/** What differs, field by field in the order of the first document; a list is one field. */
export function changesOf(before: ShardSet, after: ShardSet): SpecChange[] {
  return differences("", before, after);
}

/** The changes in one line: "spec.shards 4 -> 8, spec.paused false -> true". */
export function formatChanges(changes: readonly SpecChange[]): string {
  return changes.map(({ path, from, to }) => `${path} ${formatValue(from)} -> ${formatValue(to)}`).join(", ");
}

/**
 * What of these changes a running fleet cannot follow. `seen` is how its shards are now; undefined: nobody could say.
 */
export function forbiddenChanges(changes: readonly SpecChange[], seen: ReshardSeen | undefined): SpecProblem[] {
  return changes.flatMap((change): SpecProblem[] => {
    const { path, from, to } = change;
    if (path === "spec.shards") return shardProblems(Number(from), Number(to), seen);
    if (path !== "metadata.name" && !path.startsWith("spec.endpoints.")) return [];
    const message = `cannot change while the fleet runs (it is ${formatValue(from)}): stop the fleet and start it again`;
    return [{ path, message }];
  });
}

function shardProblems(before: number, wanted: number, seen: ReshardSeen | undefined): SpecProblem[] {
  const path = "spec.shards";
  if (seen === undefined || seen.serving === 0) {
    const message = "cannot change now: the coordinator does not say how many shards serve; try again when it does";
    return [{ path, message }];
  }
  const { phase, from, to, serving } = seen;
  if (phase === "Splitting" || phase === "Moving") {
    // The number that the reshard goes to is where the fleet will be: a document may say so, nothing else.
    if (wanted === to) return [];
    const message = `must stay ${before}: a reshard from ${from} to ${to} is under way (${phase})`;
    return [{ path, message }];
  }
  if (wanted === serving || wanted === 2 * serving) return [];
  const why = wanted < serving ? "shards are never merged" : "shards are doubled, one reshard at a time";
  return [{ path, message: `must stay ${serving} or become ${2 * serving} (${serving} serve): ${why}` }];
}

function differences(path: string, before: unknown, after: unknown): SpecChange[] {
  if (isSection(before) && isSection(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => {
      const inner = path === "" ? name : `${path}.${name}`;
      return differences(inner, before[name], after[name]);
    });
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, from: before, to: after }];
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function formatValue(value: unknown): string {
  if (value === undefined) return "(left out)";
  return typeof value === "string" ? value : JSON.stringify(value);
}
