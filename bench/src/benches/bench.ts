import type { Figure } from "../support/report.ts";

/** What the command line may change. */
export interface BenchOptions {
  /** How long the idle benchmark waits before it reads memory. */
  readonly quietMs: number;
  /** How many moves the move benchmark makes. */
  readonly moves: number;
}

/** One benchmark: a run gives its figures. */
export interface Bench {
  readonly name: string;
  readonly what: string;
  run(options: BenchOptions): Promise<Figure[]>;
}
