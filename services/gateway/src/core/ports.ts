import type { Clock, Timers } from "@guildhall/lifecycle";
import type { BusItem } from "@guildhall/proto";
import type { RouterClient, Subscriber, UserClient } from "@guildhall/rpc";
import type { Log, Spans } from "@guildhall/telemetry";
import type { GatewayConfig } from "../config.ts";
import type { TraceRing } from "../domain/trace-ring.ts";
import type { GatewayMetrics } from "../events.ts";
import type { LogHolder, SessionStore } from "../store/session-store.ts";

/** The settings that the core goes by. */
export type CoreSettings = Pick<
  GatewayConfig,
  "name" | "gatewayUrl" | "heartbeatIntervalMs" | "resumeWindowMs" | "rateLimits" | "maxSessions"
>;

/** What a holder says when a session is taken from it. */
export interface Sealed {
  /** Whether it had the session: then its log says at which place it let go of it. */
  readonly held: boolean;
  /** The last index of its dispatch log that counts for the session. */
  readonly index: number;
  /** The `s` of the last dispatch at that index. */
  readonly s: number;
}

/** A claim, as its holder is told of it. */
export interface SealRequest {
  readonly sessionId: string;
  readonly generation: number;
  /** The tag, or the name, of the gateway that claims. */
  readonly gateway: string;
}

/** The other gateways. */
export interface Gateways {
  /** Asks the gateway with that tag to let go of a session; undefined when it does not answer within a second. */
  seal(holder: string, request: SealRequest): Promise<Sealed | undefined>;
}

/** What comes of a subscription. */
export interface SubscriberEvents {
  readonly onItems: (items: readonly BusItem[]) => void;
  /** Items may have been missed: asks for the heads of all topics. */
  readonly onLost: () => void;
}

/** All that the core of a gateway has from outside. */
export interface GatewayCorePorts {
  readonly settings: CoreSettings;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Runs something when the present turn's input has been taken in. */
  readonly soon: (act: () => void) => void;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** So many random bytes, in hexadecimal digits. Nobody can guess them. */
  readonly randomHex: (bytes: number) => string;
  readonly router: Pick<RouterClient, "call">;
  readonly users: Pick<UserClient, "call">;
  readonly subscribe: (events: SubscriberEvents) => Pick<Subscriber, "subscribe" | "unsubscribe">;
  readonly store: SessionStore;
  /** This process, as others find it in the store; its tag is 8 hexadecimal digits that no other process ever has. */
  readonly holder: LogHolder;
  readonly gateways: Gateways;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly startSpan: Spans["startSpan"];
  /** Where events are noted for whoever follows the way of a message. */
  readonly traces?: TraceRing | undefined;
  /** Most bytes that may wait for one socket; default 4 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Most bytes of dispatches kept in memory; default 128 MiB. */
  readonly maxLogBytes?: number | undefined;
  /** Most bytes of the session log kept in the store; default 512 MiB. */
  readonly maxStoredBytes?: number | undefined;
  /** How often counters are put into the log; default 5 s. */
  readonly checkpointMs?: number | undefined;
}
