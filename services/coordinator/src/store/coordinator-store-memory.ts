import { GuildhallError } from "@guildhall/errors";
import type { Change } from "../domain/kept.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";

/** A store for simulations and tests: as durable as the object, which several coordinators may share. */
export function makeMemoryCoordinatorStore(): CoordinatorStore {
  const rows = new Map<string, Change>();
  let current = 0;
  return {
    async claim() {
      current += 1;
      return { generation: current, rows: [...rows.keys()].sort().flatMap((key) => rows.get(key) ?? []) };
    },
    async save({ expected, changes }) {
      if (expected === 0 || expected !== current) throw supersededBy(current, expected);
      for (const change of changes) {
        const key = `${change.kind} ${change.key}`;
        if (change.row === undefined) rows.delete(key);
        else rows.set(key, change);
      }
    },
    generation: async () => current,
    async [Symbol.asyncDispose]() {},
  };
}

/** What a coordinator that is not the current one is told. */
export function supersededBy(current: number, expected: number): GuildhallError {
  return new GuildhallError("FENCED", `coordinator ${current} has taken over from this one, which is ${expected}`);
}
