export { type Host, makeHost } from "./hosting/host.ts";
export { defaultLimits, type HostConfig, type HostLimits } from "./hosting/host-config.ts";
export { allHostGuards, type HostGuards } from "./hosting/host-guards.ts";
export type { HostStats } from "./hosting/host-stats.ts";
export { makeBoundedStore } from "./journal/bounded-store.ts";
export {
  type ConfirmingJournal,
  type ConfirmingOptions,
  makeConfirmingJournal,
} from "./journal/confirming-journal.ts";
export type { ConfirmGuards } from "./journal/partition-lane.ts";
export type { LogContent, LogEntry, LogPage, PartitionLog } from "./journal/partition-log.ts";
export type * from "./ports.ts";
