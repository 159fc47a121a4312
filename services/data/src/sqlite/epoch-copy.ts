import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { type EpochRow, isRange } from "@guildhall/slots";

/** Reads the copy of the EPOCH rows at `path`; undefined when there is none that can be read. */
export function readEpochCopy(path: string): readonly EpochRow[] | undefined {
  try {
    const rows = JSON.parse(readFileSync(path, "utf8")) as readonly EpochRow[];
    return Array.isArray(rows) && rows.every(isEpochRow) ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the copy: who owned what must not be lost with the journal, as nobody else can say it for sure. */
export function writeEpochCopy(path: string, rows: readonly EpochRow[]): void {
  const next = `${path}.next`;
  writeFileSync(next, JSON.stringify(rows));
  renameSync(next, path);
}

/** Whether something that was read is an EPOCH row. */
export function isEpochRow(value: unknown): value is EpochRow {
  const { range, split, epoch, host, incarnation, moveId } = value as Partial<EpochRow>;
  return (
    range !== undefined &&
    isRange(range) &&
    typeof split === "boolean" &&
    Number.isSafeInteger(epoch) &&
    Number(epoch) > 0 &&
    [host, incarnation, moveId].every((text) => typeof text === "string")
  );
}
