export { answer } from "../rpc/answer.ts";
export { fromMapDelta } from "../rpc/convert.ts";
export type { CoordinatorStore } from "../store/coordinator-store.ts";
export { makeMemoryCoordinatorStore } from "../store/coordinator-store-memory.ts";
export { decideBalance } from "./balance.ts";
export {
  type Coordinator,
  type CoordinatorOptions,
  type CoordinatorPorts,
  createCoordinator,
  type MapWatch,
} from "./coordinator.ts";
export type { EpochSource } from "./epoch-reader.ts";
export { hostLeaseTtlMs, type Renewal } from "./hosts.ts";
export type { FleetSpec, OrderRow } from "./kept.ts";
export type { MapDelta } from "./map-book.ts";
export type { ReshardVerb, TopicSource } from "./operations.ts";
export type { Clock, Timers } from "./time.ts";
