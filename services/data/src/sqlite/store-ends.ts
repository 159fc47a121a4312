import { DatabaseSync } from "node:sqlite";
import { isRange } from "@guildhall/slots";
import type { WatermarkRow } from "../domain/watermarks.ts";

/** How far the store has got, for whoever salvages the journal. */
export interface StoreEnds {
  readonly applied: ReadonlyMap<bigint, bigint>;
  readonly watermarks: readonly WatermarkRow[];
}

/** Reads it; undefined when the store cannot be read, or is not there. */
export function readStoreEnds(path: string): StoreEnds | undefined {
  try {
    using db = new DatabaseSync(path, { readOnly: true, readBigInts: true });
    const applied = db.prepare("SELECT topic, seq FROM applied").all();
    const watermarks = db.prepare("SELECT i, n, position, epoch FROM watermarks").all();
    return {
      applied: new Map(applied.map(({ topic, seq }) => [topic as bigint, seq as bigint])),
      watermarks: watermarks
        .map(({ i, n, position, epoch }) => ({
          range: { i: Number(i), n: Number(n) },
          position: position as bigint,
          epoch: Number(epoch),
        }))
        .filter(({ range }) => isRange(range)),
    };
  } catch {
    return undefined;
  }
}
