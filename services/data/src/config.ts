import { address, type Config, dir, durationMs, int, processSettings, readConfig } from "@guildhall/config";

const settings = {
  ...processSettings,
  name: { ...processSettings.name, default: "data" },
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  stateDir: { env: "GUILDHALL_STATE_DIR", parse: dir },
  journalKeepMs: { env: "GUILDHALL_JOURNAL_KEEP_MS", parse: int({ min: 300_000, max: 604_800_000 }), default: 600_000 },
  resumeWindowMs: { env: "GUILDHALL_RESUME_WINDOW_MS", parse: durationMs, default: 120_000 },
  tombstoneKeepMs: { env: "GUILDHALL_TOMBSTONE_KEEP_MS", parse: durationMs, default: 86_400_000 },
  pageCacheBytes: {
    env: "GUILDHALL_PAGE_CACHE_BYTES",
    parse: int({ min: 1_000_000, max: 4_000_000_000 }),
    default: 33_554_432,
  },
} as const;

/** Settings of the data process. */
export type DataConfig = Config<typeof settings>;

/** Reads the settings from the environment. Throws BAD_CONFIG. */
export function readDataConfig(env: Readonly<Record<string, string | undefined>>): DataConfig {
  return readConfig(settings, env);
}
