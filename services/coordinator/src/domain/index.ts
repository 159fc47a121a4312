export type { CoordinatorStore } from "../store/coordinator-store.ts";
export { makeMemoryCoordinatorStore } from "../store/coordinator-store-memory.ts";
export { type Coordinator, type CoordinatorPorts, createCoordinator, type EpochSource } from "./coordinator.ts";
export type { Order, Renewal } from "./fleet.ts";
export type { Clock, Timers } from "./time.ts";
