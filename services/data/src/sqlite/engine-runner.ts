import type { DatabaseSync, StatementSync } from "node:sqlite";
import { EngineError, toEngineError } from "./engine-error.ts";
import { type EngineFile, type EngineSchema, openEngineFile } from "./engine-file.ts";

/** The writing side of one database: applies operations, one after the other, within a transaction it does not end. */
export interface Engine<Op, Answer> {
  apply(op: Op): Answer;
}

/** One kind of database file, and how its writes are applied. */
export interface EngineKind<Op, Answer> {
  readonly schema: EngineSchema;
  /** Makes the writing side; it may keep what it read until it is told to start anew by being made again. */
  makeEngine(db: DatabaseSync): Engine<Op, Answer>;
}

/** Runs groups of operations, each in one transaction. */
export interface EngineRunner<Op, Answer> extends Disposable {
  /** Opens the file if it is not open, applies all, commits, and only then returns. Throws EngineError: none applied. */
  run(group: readonly Op[]): EngineOutcome<Answer>;
  /** Moves the log into the database when it has grown; at once only when it has grown beyond all patience. */
  tidy(when: "idle" | "busy"): void;
  /** Makes everything committed before durable, whatever `synchronous` says. */
  sync(): void;
}

/** Answers in the order of the operations, and how long the transaction took. */
export interface EngineOutcome<Answer> {
  readonly answers: readonly Answer[];
  readonly seconds: number;
}

/** Pages in the log from which an idle moment is used for a checkpoint, and from which none is waited for. */
const tidyPages = { idle: 500n, busy: 2_000n } as const;

interface Open<Op, Answer> {
  readonly file: EngineFile;
  readonly dataVersion: StatementSync;
  readonly logPages: StatementSync;
  engine: Engine<Op, Answer> | undefined;
  seenVersion: unknown;
}

/** Makes a runner for the file at `path`. `commit` ends the transaction; tests put themselves before or behind it. */
export function makeEngineRunner<Op, Answer>(
  path: string,
  kind: EngineKind<Op, Answer>,
  commit: (db: DatabaseSync) => void = (db) => db.exec("COMMIT"),
): EngineRunner<Op, Answer> {
  let open: Open<Op, Answer> | undefined;

  const opened = (): Open<Op, Answer> => {
    if (open !== undefined) return open;
    const file = openEngineFile(path, kind.schema);
    const dataVersion = file.db.prepare("PRAGMA data_version");
    const logPages = file.db.prepare("PRAGMA wal_checkpoint(NOOP)");
    open = { file, dataVersion, logPages, engine: undefined, seenVersion: undefined };
    return open;
  };

  /** The engine, made again when another process has written: what it keeps in memory would be stale. */
  const currentEngine = (state: Open<Op, Answer>): Engine<Op, Answer> => {
    const version = Object.values(state.dataVersion.get() ?? {})[0];
    if (version !== state.seenVersion) state.engine = undefined;
    state.seenVersion = version;
    state.engine ??= kind.makeEngine(state.file.db);
    return state.engine;
  };

  const abandon = (state: Open<Op, Answer>): void => {
    state.engine = undefined;
    try {
      if (state.file.db.isTransaction) state.file.db.exec("ROLLBACK");
    } catch {
      // The next group opens the file afresh; closing gives the transaction up.
      open = undefined;
      state.file[Symbol.dispose]();
    }
  };

  return {
    run(group) {
      const startMs = performance.now();
      try {
        const state = opened();
        state.file.assertInPlace();
        if (group.length === 0) return { answers: [], seconds: 0 };
        const { db } = state.file;
        try {
          db.exec("BEGIN IMMEDIATE");
          const engine = currentEngine(state);
          const answers = group.map((op) => engine.apply(op));
          commit(db);
          return { answers, seconds: (performance.now() - startMs) / 1_000 };
        } catch (error) {
          abandon(state);
          throw error;
        }
      } catch (error) {
        throw toEngineError(path, error);
      }
    },
    tidy(when) {
      if (open === undefined) return;
      const { log } = (open.logPages.get() ?? {}) as { log?: bigint };
      if ((log ?? 0n) < tidyPages[when]) return;
      open.file.db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    },
    sync() {
      try {
        const outcome = opened().file.db.prepare("PRAGMA wal_checkpoint(FULL)").get() as { busy: bigint };
        if (outcome.busy !== 0n) throw new EngineError("unavailable", `${path}: the checkpoint found it busy`);
      } catch (error) {
        throw toEngineError(path, error);
      }
    },
    [Symbol.dispose]() {
      open?.file[Symbol.dispose]();
      open = undefined;
    },
  };
}
