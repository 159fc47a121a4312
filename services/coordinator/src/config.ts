import { address, type Config, dir, int, list, processSettings, readConfig as read } from "@guildhall/config";
import { GuildhallError } from "@guildhall/errors";
import { isShardCount } from "@guildhall/slots";

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  data: { env: "GUILDHALL_DATA", parse: address },
  stateDir: { env: "GUILDHALL_STATE_DIR", parse: dir },
  shards: { env: "GUILDHALL_SHARDS", parse: int({ min: 1, max: 65_536 }) },
  hosts: { env: "GUILDHALL_HOSTS", parse: list },
} as const;

/** The coordinator's settings. */
export type CoordinatorConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): CoordinatorConfig {
  const config = read(table, env);
  if (!isShardCount(config.shards)) throw new GuildhallError("BAD_CONFIG", "GUILDHALL_SHARDS must be a power of two");
  if (new Set(config.hosts).size < config.hosts.length) {
    throw new GuildhallError("BAD_CONFIG", "GUILDHALL_HOSTS names a host twice");
  }
  return config;
}
