export {
  decideEpoch,
  type EpochAsk,
  type EpochDecision,
  type EpochKey,
  type EpochRow,
  highestFence,
  sameEpoch,
} from "./epoch.ts";
export { type MapEntry, type MapUpdate, makeShardMap, type ShardMap } from "./map.ts";
export {
  formatRange,
  isRange,
  isShardCount,
  parseRange,
  rangeContains,
  rangesOfSlot,
  rangesOverlap,
  type ShardRange,
  sameRange,
  shardOf,
  slotCount,
  slotOf,
  splitRange,
} from "./range.ts";
