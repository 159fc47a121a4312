export {
  decideEpoch,
  type EpochAsk,
  type EpochDecision,
  type EpochKey,
  type EpochRow,
  highestFence,
  sameEpoch,
} from "./epoch.ts";
export {
  type DeltaOutcome,
  type MapDelta,
  type MapGuards,
  type MapUpdate,
  makeShardMap,
  type ShardMap,
} from "./map.ts";
export type { MapEntry, MoveIntent } from "./map-entry.ts";
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
