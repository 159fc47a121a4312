/** What became of a damaged database. */
export interface SalvageReport {
  /** The file's name. */
  readonly file: string;
  /** Why it was found damaged. */
  readonly reason: string;
  /** The damaged file's name now; its log is beside it. */
  readonly keptAs: string;
  /** Where all of this is written down. */
  readonly report: string;
  /** What was taken over, e.g. "1200 records". */
  readonly kept: string;
  /** How much is gone that had been stored. */
  readonly lostCount: number;
  /** What is gone, as far as it has names; the first of it when it is very much. */
  readonly lost: readonly string[];
  /** What else is to be known. */
  readonly notes: readonly string[];
}

/** What of a salvage is up to the kind of database. */
export type Salvaged = Pick<SalvageReport, "kept" | "lostCount" | "lost" | "notes">;
