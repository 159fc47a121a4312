import {
  address,
  addresses,
  bool,
  type Config,
  durationMs,
  int,
  oneOf,
  port,
  processSettings,
  readConfig as read,
  str,
  url,
} from "@guildhall/config";

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  address: { env: "GUILDHALL_ADDRESS", parse: address, default: undefined },
  host: { env: "GUILDHALL_WS_HOST", parse: str, default: "127.0.0.1" },
  port: { env: "GUILDHALL_WS_PORT", parse: port },
  ownPort: { env: "GUILDHALL_WS_OWN_PORT", parse: port },
  isFromParent: { env: "GUILDHALL_WS_FROM_PARENT", parse: bool, default: false },
  gatewayUrl: { env: "GUILDHALL_GATEWAY_URL", parse: url(["ws", "wss"]) },
  sessionsDir: { env: "GUILDHALL_SESSIONS_DIR", parse: str },
  routers: { env: "GUILDHALL_ROUTERS", parse: addresses },
  users: { env: "GUILDHALL_USERS", parse: addresses },
  coordinator: { env: "GUILDHALL_COORDINATOR", parse: address },
  heartbeatIntervalMs: { env: "GUILDHALL_HEARTBEAT_INTERVAL_MS", parse: durationMs, default: 41_250 },
  resumeWindowMs: { env: "GUILDHALL_RESUME_WINDOW_MS", parse: durationMs, default: 120_000 },
  zstdContexts: { env: "GUILDHALL_ZSTD_CONTEXTS", parse: int({ min: 0, max: 100_000 }), default: 512 },
  rateLimits: { env: "GUILDHALL_RATE_LIMITS", parse: oneOf(["Standard", "Off"]), default: "Standard" },
  drainDeadlineMs: { env: "GUILDHALL_DRAIN_DEADLINE_MS", parse: durationMs, default: 30_000 },
  drainBatchPercent: { env: "GUILDHALL_DRAIN_BATCH_PERCENT", parse: int({ min: 1, max: 100 }), default: 2 },
  maxSessions: { env: "GUILDHALL_MAX_SESSIONS", parse: int({ min: 1, max: 1_000_000 }), default: 50_000 },
} as const;

/** The gateway's settings. */
export type GatewayConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  return read(table, env);
}
