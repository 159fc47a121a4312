import type { EpochRecord } from "@guildhall/proto";
import type { HostPorts } from "../ports.ts";
import type { Appender } from "./appender.ts";
import type { Beats } from "./beats.ts";
import type { HostConfig } from "./host-config.ts";
import type { HostGuards } from "./host-guards.ts";
import type { HostStats } from "./host-stats.ts";
import type { JournalGate } from "./journal-gate.ts";
import type { JournalLatency } from "./journal-latency.ts";
import type { RecentPool } from "./recent.ts";
import type { Shard } from "./shard.ts";
import type { SealCount } from "./shard-seal.ts";
import type { TopicActor } from "./topic-actor.ts";
import type { OpenTopics } from "./topic-table.ts";
import type { TraceRing } from "./trace-ring.ts";

/** What all shards of a host share. */
export interface HostParts {
  readonly ports: HostPorts;
  readonly config: HostConfig;
  readonly guards: HostGuards;
  readonly stats: HostStats;
  readonly appender: Appender;
  readonly gate: JournalGate;
  readonly latency: JournalLatency;
  readonly beats: Beats;
  readonly members: RecentPool;
  readonly messages: RecentPool;
  readonly openTopics: OpenTopics;
  readonly sealed: SealCount;
  readonly trace: TraceRing;
  /** Actors of deleted guilds whose members are being let go. */
  readonly purging: Set<TopicActor>;
  /** Resolves when this host owned a topic at a moment after the call; undefined when its lease says so. */
  readonly confirm: (topic: bigint) => Promise<void> | undefined;
  /** A shard of this host turned out to be another's. */
  readonly lost: (shard: Shard, owner: EpochRecord | undefined) => void;
}
