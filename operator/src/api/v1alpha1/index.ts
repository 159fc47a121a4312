export { parseDurationMs } from "./duration.ts";
export { parsePercent } from "./percent.ts";
export type { SpecProblem } from "./rules.ts";
export { apiVersion, type ShardSet, shardSetSchema } from "./shard-set.ts";
export { badSpec, validateShardSet } from "./validate.ts";
export { parseDays, parseMinute } from "./window.ts";
