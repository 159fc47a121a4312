import type { Clock, Timers } from "@guildhall/lifecycle";
import type { RouterClient, UserClient } from "@guildhall/rpc";
import type { Log } from "@guildhall/telemetry";
import type { GatewayConfig } from "./config.ts";
import type { Admission } from "./domain/admission.ts";
import type { DispatchLog } from "./domain/dispatch-log.ts";
import type { IdentifyLimit } from "./domain/identify-limit.ts";
import type { Profiles } from "./domain/profile.ts";
import type { SessionTable } from "./domain/session-table.ts";
import type { GatewayMetrics } from "./events.ts";
import type { GuildTopics } from "./topics/guild-topics.ts";
import type { UserTopics } from "./topics/user-topics.ts";

/** What sessions and opcodes use. */
export interface GatewayContext {
  readonly config: GatewayConfig;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  readonly newSessionId: () => string;
  readonly router: RouterClient;
  readonly users: UserClient;
  readonly dispatchLog: DispatchLog;
  readonly sessions: SessionTable;
  readonly profiles: Profiles;
  readonly guildTopics: GuildTopics;
  readonly userTopics: UserTopics;
  readonly admission: Admission;
  readonly identifyLimit: IdentifyLimit;
}
