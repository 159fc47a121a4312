import type { ShardSet } from "@guildhall/operator/api";

/*
 * What is wanted: the document that was accepted last, and what the tool has said since, which no file holds.
 *
 *   paused   document's ──pause──▶ true ──resume──▶ document's, or false when that says true ──next edit──▶ document's
 *   shards   document's ──reshard apply──▶ N ──reshard cancel──▶ as many as serve; an edit of spec.shards ──▶ document's
 */

/** What the tool has said over the document. */
export interface Said {
  readonly paused?: boolean;
  readonly shards?: number;
}

/** What is to be, of a document and what was said since. */
export function wishesOf(document: ShardSet, { paused, shards }: Said): ShardSet {
  const { spec } = document;
  return { ...document, spec: { ...spec, paused: paused ?? spec.paused, shards: shards ?? spec.shards } };
}

/** What is left of what was said when a document with these changes comes. */
export function saidAfter({ shards }: Said, changedPaths: readonly string[]): Said {
  return shards === undefined || changedPaths.includes("spec.shards") ? {} : { shards };
}

/** What was said after `guildhall pause` or `resume`. */
export function saidPaused(document: ShardSet, { shards }: Said, paused: boolean): Said {
  return { ...(shards === undefined ? {} : { shards }), ...(document.spec.paused === paused ? {} : { paused }) };
}

/** What was said after `guildhall reshard apply`, or after its `cancel` (then as many as serve). */
export function saidShards(document: ShardSet, { paused }: Said, shards: number): Said {
  return { ...(paused === undefined ? {} : { paused }), ...(document.spec.shards === shards ? {} : { shards }) };
}
