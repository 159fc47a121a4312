import type { Clock, Timers } from "@guildhall/lifecycle";
import type { RouterClient, UserClient } from "@guildhall/rpc";
import type { Log } from "@guildhall/telemetry";
import type { CoreSettings, Gateways } from "./core/ports.ts";
import type { Admission } from "./domain/admission.ts";
import type { DispatchLog } from "./domain/dispatch-log.ts";
import type { GatewayGuards } from "./domain/guards.ts";
import type { IdentifyLimit } from "./domain/identify-limit.ts";
import type { LogWriter } from "./domain/log-writer.ts";
import type { Pacer } from "./domain/pacer.ts";
import type { Profiles } from "./domain/profile.ts";
import type { SessionTable } from "./domain/session-table.ts";
import type { GatewayMetrics } from "./events.ts";
import type { Ghosts } from "./log/ghosts.ts";
import type { Recording } from "./log/recording.ts";
import type { Bridges } from "./session/catch-up-guild.ts";
import type { CatchUps } from "./session/catch-ups.ts";
import type { ClaimWatch } from "./session/claim-watch.ts";
import type { TakeOvers } from "./session/take-overs.ts";
import type { LogHolder, SessionStore } from "./store/session-store.ts";
import type { Bus } from "./topics/bus.ts";
import type { TopicReads } from "./topics/followed.ts";
import type { GuildTopics } from "./topics/guild-topics.ts";
import type { UserTopics } from "./topics/user-topics.ts";

/** What sessions and opcodes use. */
export interface GatewayContext {
  readonly config: CoreSettings;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  readonly newSessionId: () => string;
  readonly router: Pick<RouterClient, "call">;
  readonly users: Pick<UserClient, "call">;
  readonly reads: TopicReads;
  readonly bus: Bus;
  readonly dispatchLog: DispatchLog;
  /** What the core is given is taken down here, for other gateways. */
  readonly writer: LogWriter;
  readonly recording: Recording;
  readonly sessions: SessionTable;
  readonly profiles: Profiles;
  readonly guildTopics: GuildTopics;
  readonly userTopics: UserTopics;
  readonly admission: Admission;
  readonly identifyLimit: IdentifyLimit;
  readonly store: SessionStore;
  /** This process, as others find it in the store. */
  readonly holder: LogHolder;
  readonly gateways: Gateways;
  readonly ghosts: Ghosts;
  readonly bridges: Bridges;
  readonly takeOvers: TakeOvers;
  readonly catchUps: CatchUps;
  readonly claimWatch: ClaimWatch;
  /** For work on other gateways' sessions, which is not to hold up the own ones. */
  readonly pacer: Pacer;
  readonly guards: GatewayGuards;
}
