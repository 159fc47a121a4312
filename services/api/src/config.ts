import {
  address,
  addresses,
  type Config,
  oneOf,
  port,
  processSettings,
  readConfig as read,
  str,
  url,
} from "@guildhall/config";

const table = {
  ...processSettings,
  httpHost: { env: "GUILDHALL_HTTP_HOST", parse: str, default: "127.0.0.1" },
  httpPort: { env: "GUILDHALL_HTTP_PORT", parse: port },
  routers: { env: "GUILDHALL_ROUTERS", parse: addresses },
  users: { env: "GUILDHALL_USERS", parse: addresses },
  coordinator: { env: "GUILDHALL_COORDINATOR", parse: address },
  gatewayUrl: { env: "GUILDHALL_GATEWAY_URL", parse: url(["ws", "wss"]) },
  rateLimits: { env: "GUILDHALL_RATE_LIMITS", parse: oneOf(["Standard", "Off"]), default: "Standard" },
} as const;

/** The settings of the api service. */
export type ApiConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ApiConfig {
  return read(table, env);
}
