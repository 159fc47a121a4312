import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { median } from "./statistics.ts";

/** One figure of a benchmark. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What must be reached now, and the design's budget: shown beside the value. */
  readonly target?: Bound;
  readonly budget?: Bound;
}

/** A limit from below or above, in the figure's unit. */
export interface Bound {
  readonly kind: "at least" | "at most";
  readonly value: number;
}

/** "At least so much." */
export const atLeast = (value: number): Bound => ({ kind: "at least", value });
/** "At most so much." */
export const atMost = (value: number): Bound => ({ kind: "at most", value });

/** Whether a value keeps within a bound. */
export function holds(value: number, { kind, value: limit }: Bound): boolean {
  return kind === "at least" ? value >= limit : value <= limit;
}

/** The figures of several runs as one: the median of each. */
export function medianOfRuns(runs: readonly (readonly Figure[])[]): Figure[] {
  const [first = []] = runs;
  return first.map((figure) => {
    const values = runs.flatMap((run) => run.filter(({ name }) => name === figure.name).map(({ value }) => value));
    return { ...figure, value: median(values) };
  });
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function boundCell(value: number, bound: Bound | undefined): string {
  if (bound === undefined) return "";
  const sign = bound.kind === "at least" ? "≥" : "≤";
  return `${sign} ${shown(bound.value)} ${holds(value, bound) ? "met" : "MISSED"}`;
}

/** The figures as a table for people. */
export function renderFigures(title: string, figures: readonly Figure[]): string {
  const table = new Table({ head: [title, "value", "unit", "target", "budget"], style: { head: [], border: [] } });
  for (const { name, value, unit, target, budget } of figures) {
    table.push([name, shown(value), unit, boundCell(value, target), boundCell(value, budget)]);
  }
  return table.toString();
}

const resultsFolder = fileURLToPath(new URL("../../results", import.meta.url));

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

/** Writes bench/results/NAME.json: the median, every run, and on what it ran. */
export function writeResult(name: string, runs: readonly (readonly Figure[])[]): void {
  mkdirSync(resultsFolder, { recursive: true });
  const result = {
    name,
    date: new Date().toISOString(),
    commit: commit(),
    machine: { cores: cpus().length, model: cpus()[0]?.model ?? "", node: process.version },
    figures: medianOfRuns(runs),
    runs: runs.map((run) => Object.fromEntries(run.map(({ name: figure, value }) => [figure, value]))),
  };
  writeFileSync(join(resultsFolder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
