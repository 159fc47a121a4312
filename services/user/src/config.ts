import {
  address,
  addresses,
  type Config,
  dir,
  durationMs,
  oneOf,
  processSettings,
  readConfig as read,
} from "@guildhall/config";

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  stateDir: { env: "GUILDHALL_STATE_DIR", parse: dir },
  routers: { env: "GUILDHALL_ROUTERS", parse: addresses },
  coordinator: { env: "GUILDHALL_COORDINATOR", parse: address },
  resumeWindowMs: { env: "GUILDHALL_RESUME_WINDOW_MS", parse: durationMs, default: 120_000 },
  passwordCost: { env: "GUILDHALL_PASSWORD_COST", parse: oneOf(["Standard", "Low"]), default: "Standard" },
} as const;

/** The user service's settings. */
export type UserConfig = Config<typeof table>;

/** Reads the settings; throws GuildhallError BAD_CONFIG that names every wrong one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): UserConfig {
  return read(table, env);
}
