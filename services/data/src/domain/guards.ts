/** Protections of the journal, all on but in the tests that show what each is for. */
export interface DataGuards {
  /** A record whose epoch is not the one in force for its slot is refused. */
  readonly fencing: boolean;
}

/** As in production. */
export const allGuards: DataGuards = { fencing: true };
