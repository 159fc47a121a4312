export { everyGuard, type GatewayGuards } from "../domain/guards.ts";
export type { Session } from "../domain/session.ts";
export { Drain, type DrainPorts, type DrainResult, type Outlook } from "../drain.ts";
export { type GatewayMetrics, makeGatewayMetrics } from "../events.ts";
export {
  type Claim,
  type LogHolder,
  type LogPiece,
  type LogPosition,
  type OwnLog,
  originOf,
  type SessionStore,
} from "../store/session-store.ts";
export { MemorySessionStore } from "../store/session-store-memory.ts";
export { makeOwnerWatch } from "../topics/new-owners.ts";
export type { Connection } from "../transport/connection.ts";
export { type GatewayCore, makeGatewayCore } from "./gateway-core.ts";
export type {
  CoreSettings,
  GatewayCorePorts,
  Gateways,
  Sealed,
  SealRequest,
  SubscriberEvents,
} from "./ports.ts";
