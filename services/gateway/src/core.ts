import { randomBytes, randomUUID } from "node:crypto";
import { systemClock, systemTimers } from "@guildhall/lifecycle";
import { createRouterClient, createUserClient, makeSubscriber } from "@guildhall/rpc";
import type { Telemetry } from "@guildhall/telemetry";
import type { GatewayConfig } from "./config.ts";
import { type GatewayCore, makeGatewayCore } from "./core/gateway-core.ts";
import type { Gateways } from "./core/ports.ts";
import type { GatewayMetrics } from "./events.ts";
import type { LogHolder, SessionStore } from "./store/session-store.ts";

/** What the core of a gateway process is made with, besides its settings. */
export interface CoreParts {
  readonly config: GatewayConfig;
  readonly telemetry: Telemetry;
  readonly metrics: GatewayMetrics;
  /** Takes what is to be closed in the end. */
  readonly stack: AsyncDisposableStack;
  readonly store: SessionStore;
  readonly holder: LogHolder;
  readonly gateways: Gateways;
  /** Default 4 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Default 128 MiB. */
  readonly maxLogBytes?: number | undefined;
  /** Default 5 s. */
  readonly checkpointMs?: number | undefined;
}

/** A tag that no other process has. */
export function newTag(): string {
  return randomBytes(4).toString("hex");
}

/** Makes the core with the system's clock, and with connections to the other services. */
export function makeProcessCore({ config, telemetry, stack, ...parts }: CoreParts): GatewayCore {
  const { log, metrics, startSpan } = telemetry;
  const rpc = { self: config.name, metrics };
  const core = makeGatewayCore({
    ...parts,
    settings: config,
    clock: systemClock,
    timers: systemTimers,
    soon: (act) => void setImmediate(act),
    random: Math.random,
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    router: stack.use(createRouterClient(config.routers[0] ?? "", rpc)),
    users: stack.use(createUserClient(config.users[0] ?? "", rpc)),
    subscribe: (events) =>
      stack.use(
        makeSubscriber({
          addresses: config.routers,
          subscriber: `${config.name}/${randomUUID()}`,
          ...events,
          metrics,
        }),
      ),
    log,
    startSpan,
  });
  return stack.use(core);
}
