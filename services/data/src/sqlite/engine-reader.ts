import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { ErrorCode, GuildhallError } from "@guildhall/errors";
import { markDamaged } from "./damage-mark.ts";
import { toEngineError } from "./engine-error.ts";
import { engineFailure, isFatal } from "./engine-thread.ts";

/** A read-only connection to a database file that a worker writes: it sees what is committed and waits for no fsync. */
export interface EngineReader extends Disposable {
  /** Runs a query; integers come as bigint. Throws GuildhallError. */
  read<T>(query: (prepare: (sql: string) => StatementSync) => T): T;
}

/** Which file, and what its failures are called. */
export interface EngineReaderOptions {
  readonly path: string;
  readonly unavailableCode: ErrorCode;
  onFatal(error: GuildhallError): void;
}

const busyTimeoutMs = 1_000;

/** Makes a reader; the file is opened by the first query, and again by the next one after a failure. */
export function makeEngineReader({ path, unavailableCode, onFatal }: EngineReaderOptions): EngineReader {
  let db: DatabaseSync | undefined;
  const statements = new Map<string, StatementSync>();

  const close = (): void => {
    statements.clear();
    db?.close();
    db = undefined;
  };
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      db ??= new DatabaseSync(path, { readOnly: true, readBigInts: true, timeout: busyTimeoutMs });
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };

  return {
    read(query) {
      try {
        return query(prepare);
      } catch (error) {
        close();
        const { fault, message } = toEngineError(path, error);
        // Nothing is written here: no outcome is uncertain.
        const failure = engineFailure(fault, message, { unavailable: unavailableCode, uncertain: unavailableCode });
        if (fault === "damaged") markDamaged(path, message);
        if (isFatal(fault)) onFatal(failure);
        throw failure;
      }
    },
    [Symbol.dispose]: close,
  };
}
