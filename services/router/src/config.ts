import { address, type Config, processSettings, readConfig as read } from "@guildhall/config";

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  data: { env: "GUILDHALL_DATA", parse: address },
  coordinator: { env: "GUILDHALL_COORDINATOR", parse: address },
} as const;

/** The router's settings. */
export type RouterConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): RouterConfig {
  return read(table, env);
}
