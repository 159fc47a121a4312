import type { ShardSet } from "@guildhall/operator/api";
import { runErrand } from "../errand/run-errand.ts";

/** Where a document comes from: a YAML file, or an object as one would write it there. */
export type SpecSource = { readonly file: string } | { readonly document: unknown };

/** A checked ShardSet with all defaults. Throws GuildhallError BAD_SPEC that names every problem. */
export function readSpec(source: SpecSource, signal?: AbortSignal): Promise<ShardSet> {
  return runErrand<ShardSet>(new URL("./main.ts", import.meta.url), source, signal);
}
