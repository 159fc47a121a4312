import {
  address,
  addresses,
  type Config,
  durationMs,
  processSettings,
  readConfig as read,
  str,
} from "@guildhall/config";
import manifest from "../package.json" with { type: "json" };

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  address: { env: "GUILDHALL_ADDRESS", parse: address, default: undefined },
  data: { env: "GUILDHALL_DATA", parse: address },
  users: { env: "GUILDHALL_USERS", parse: addresses },
  routers: { env: "GUILDHALL_ROUTERS", parse: addresses },
  coordinator: { env: "GUILDHALL_COORDINATOR", parse: address },
  version: { env: "GUILDHALL_VERSION", parse: str, default: manifest.version },
  resumeWindowMs: { env: "GUILDHALL_RESUME_WINDOW_MS", parse: durationMs, default: 120_000 },
} as const;

/** A host's settings. */
export type GuildConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GuildConfig {
  return read(table, env);
}
