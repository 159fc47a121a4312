import type { DataClient } from "@guildhall/rpc";
import type { EpochSource } from "../domain/epoch-reader.ts";
import { toEpochRow } from "../rpc/convert.ts";

const timeoutMs = 5_000;

/** Reads the last EPOCHs of all slots from `data`. */
export function makeEpochSource(data: DataClient): EpochSource {
  return async () => {
    const { records } = await data.call("readEpochs", { range: { i: 0, n: 1 } }, { timeoutMs });
    return records.map(toEpochRow);
  };
}
