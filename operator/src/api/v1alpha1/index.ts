export { parseDurationMs } from "./duration.ts";
export type { SpecProblem } from "./problems.ts";
export { apiVersion, type ShardSet, shardSetSchema } from "./shard-set.ts";
export { validateShardSet } from "./validate.ts";
