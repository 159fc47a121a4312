import type { ShardRange } from "./range.ts";

/** The planned handoff of a shard that is under way. A move id is never used again. */
export interface MoveIntent {
  readonly moveId: string;
  readonly toHost: string;
  readonly toAddress: string;
}

/** Who owns a range: the host's name, the address (host:port) it answers at, its epoch there and its incarnation. */
export interface MapEntry {
  readonly range: ShardRange;
  readonly host: string;
  readonly address: string;
  readonly epoch: number;
  readonly incarnation: string;
  /** Only the coordinator's map says it. */
  readonly moving?: MoveIntent | undefined;
}
