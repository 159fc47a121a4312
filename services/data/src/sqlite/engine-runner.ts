import type { DatabaseSync, StatementSync } from "node:sqlite";
import { EngineError, toEngineError } from "./engine-error.ts";
import { type EngineFile, type EngineSchema, openEngineFile } from "./engine-file.ts";
import { checkStructure, isSmall } from "./file-check.ts";
import type { SalvageReport } from "./salvage-report.ts";

/** The writing side of one database: applies operations, one after the other, within a transaction it does not end. */
export interface Engine<Op, Answer> {
  apply(op: Op): Answer;
}

/** What is kept beside a database, to tell what it lost. */
export interface FileGuard<Op, Answer> extends Disposable {
  /** Compares, when the database was opened. Throws EngineError `damaged`. */
  check(db: DatabaseSync): void;
  /** Notes a group that has been committed. */
  committed(group: readonly Op[], answers: readonly Answer[]): void;
}

/** One kind of database file, and how its writes are applied. */
export interface EngineKind<Op, Answer> {
  readonly schema: EngineSchema;
  /** Makes the writing side; it may keep what it read until it is told to start anew by being made again. */
  makeEngine(db: DatabaseSync): Engine<Op, Answer>;
  /** How SQLite looks through the whole file: indexes included, or not. */
  readonly check: "quick_check" | "integrity_check";
  /** Looks through the whole content; what is wrong with it. */
  verify?(db: DatabaseSync): string | undefined;
  guard?(path: string): FileGuard<Op, Answer>;
  /** Makes a sound file of what is left of the damaged one at `path`, which is kept aside. Throws when nothing is. */
  loadSalvage?(): Promise<(path: string, reason: string) => SalvageReport>;
}

/** Runs groups of operations, each in one transaction. */
export interface EngineRunner<Op, Answer> extends Disposable {
  /** Opens the file if it is not open, applies all, commits, and only then returns. Throws EngineError: none applied. */
  run(group: readonly Op[]): EngineOutcome<Answer>;
  /** Moves the log into the database when it has grown; at once only when it has grown beyond all patience. */
  tidy(when: "idle" | "busy"): void;
  /** Makes everything committed before durable, whatever `synchronous` says. */
  sync(): void;
  /** Replaces a damaged file by what is left of it. Rejects with EngineError. */
  salvage(reason: string): Promise<SalvageReport>;
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
  readonly guard: FileGuard<Op, Answer> | undefined;
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
    const guard = checkContent(file, path, kind);
    const dataVersion = file.db.prepare("PRAGMA data_version");
    const logPages = file.db.prepare("PRAGMA wal_checkpoint(NOOP)");
    open = { file, guard, dataVersion, logPages, engine: undefined, seenVersion: undefined };
    return open;
  };
  const close = (): void => {
    open?.guard?.[Symbol.dispose]();
    open?.file[Symbol.dispose]();
    open = undefined;
  };

  const runGroup = (state: Open<Op, Answer>, group: readonly Op[]): EngineOutcome<Answer> => {
    const startMs = performance.now();
    const { db } = state.file;
    state.file.assertInPlace();
    if (group.length === 0) return { answers: [], seconds: 0 };
    try {
      db.exec("BEGIN IMMEDIATE");
      const engine = currentEngine(state, kind);
      const answers = group.map((op) => engine.apply(op));
      commit(db);
      noteCommitted(state, group, answers);
      return { answers, seconds: (performance.now() - startMs) / 1_000 };
    } catch (error) {
      abandon(state);
      throw error;
    }
  };

  const abandon = (state: Open<Op, Answer>): void => {
    state.engine = undefined;
    try {
      if (state.file.db.isTransaction) state.file.db.exec("ROLLBACK");
    } catch {
      // The next group opens the file afresh; closing gives the transaction up.
      close();
    }
  };

  return {
    run(group) {
      try {
        return runGroup(opened(), group);
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
    async salvage(reason) {
      close();
      try {
        const salvage = await kind.loadSalvage?.();
        if (salvage === undefined) throw new EngineError("damaged", reason);
        return salvage(path, reason);
      } catch (error) {
        throw toEngineError(path, error);
      }
    },
    [Symbol.dispose]: close,
  };
}

/** The engine, made again when another process has written: what it keeps in memory would be stale. */
function currentEngine<Op, Answer>(state: Open<Op, Answer>, kind: EngineKind<Op, Answer>): Engine<Op, Answer> {
  const version = Object.values(state.dataVersion.get() ?? {})[0];
  if (version !== state.seenVersion) state.engine = undefined;
  state.seenVersion = version;
  state.engine ??= kind.makeEngine(state.file.db);
  return state.engine;
}

/** Looks at a file that SQLite could open: through all of it when it is small. Closes it when something is wrong. */
function checkContent<Op, Answer>(file: EngineFile, path: string, kind: EngineKind<Op, Answer>) {
  let guard: FileGuard<Op, Answer> | undefined;
  try {
    guard = kind.guard?.(path);
    guard?.check(file.db);
    if (isSmall(path)) assertSound(file.db, path, kind);
    return guard;
  } catch (error) {
    guard?.[Symbol.dispose]();
    file[Symbol.dispose]();
    throw error;
  }
}

/** Looks through a whole database. Throws EngineError `damaged`. */
export function assertSound<Op, Answer>(db: DatabaseSync, path: string, kind: EngineKind<Op, Answer>): void {
  checkStructure(db, path, kind.check);
  const wrong = kind.verify?.(db);
  if (wrong !== undefined) throw new EngineError("damaged", `${path}: ${wrong}`);
}

/** What is noted says less after a failure; what was committed stands. */
function noteCommitted<Op, Answer>({ guard }: Open<Op, Answer>, group: readonly Op[], answers: readonly Answer[]) {
  try {
    guard?.committed(group, answers);
  } catch {
    // A full disk: the next commit will say so.
  }
}
