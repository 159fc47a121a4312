/*
 * What the coordinator decides by, without a socket, a file or a clock: for the simulation. Besides the domain it holds the
 * forms of the wire and the store in memory, which are as pure.
 */

export { decideBalance } from "./domain/balance.ts";
export { createCoordinator } from "./domain/coordinator.ts";
export type { EpochSource } from "./domain/epoch-reader.ts";
export { hostLeaseTtlMs, type Renewal } from "./domain/hosts.ts";
export type { FleetSpec, OrderRow } from "./domain/kept.ts";
export type { MapDelta } from "./domain/map-book.ts";
export type { ReshardVerb, TopicSource } from "./domain/operations.ts";
export type { Coordinator, CoordinatorOptions, CoordinatorPorts, MapWatch } from "./domain/ports.ts";
export type { Clock, Timers } from "./domain/time.ts";
export { answer } from "./rpc/answer.ts";
export { fromMapDelta } from "./rpc/convert.ts";
export type { CoordinatorStore } from "./store/coordinator-store.ts";
export { makeMemoryCoordinatorStore } from "./store/coordinator-store-memory.ts";
