/** What a dry run and the real thing have in common. */
interface DryRun {
  readonly dryRun?: boolean;
}

/** A shard as "3/8": the guilds whose number is 3 of 8. */
type ShardName = string;

/** How the doubling of the shards stands. */
export interface ReshardView {
  /** "" (none ever), "Planned", "Splitting", "Moving", "Completed", "Cancelled" or "Undone". */
  readonly phase: string;
  readonly from: number;
  readonly to: number;
  readonly planHash: string;
  readonly approved: boolean;
  readonly paused: boolean;
  readonly split: number;
  readonly moved: number;
  readonly total: number;
  readonly worstPauseMs: number;
  readonly startedMs: number;
  readonly message: string;
  /** How many shards serve now. */
  readonly serving: number;
}

/** What a shard takes of its host. */
export interface LoadView {
  readonly topics: number;
  readonly commandsPerS: number;
  readonly bytesPerS: number;
  readonly cpuShare: number;
  readonly memoryBytes: number;
}

/** One shard and who owns it. */
export interface ShardView {
  readonly shard: ShardName;
  readonly host: string;
  readonly epoch: number;
  readonly state: string;
  /** The host that it is handed over to now; absent = none. */
  readonly movingTo?: string;
  readonly load: LoadView;
}

/** One host. */
export interface HostView {
  readonly name: string;
  readonly state: string;
  readonly shards: number;
  readonly load: number;
  readonly epochMax: number;
  readonly renewedMsAgo: number;
  readonly incarnation: string;
  readonly version: string;
}

/** Something that the coordinator considered, and why it did what it did. */
export interface DecisionView {
  readonly atMs: number;
  readonly subject: string;
  readonly action: string;
  readonly reason: string;
}

/** A shard that was handed over, or is being. */
export interface MoveView {
  readonly shard: ShardName;
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly reason: string;
  readonly pauseMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** One gateway and its sessions. */
export interface GatewayView {
  readonly gateway: string;
  /** "Serving", "Draining" or "Unreachable". */
  readonly state: string;
  readonly connected: number;
  readonly waiting: number;
  readonly adopted: number;
  readonly sessions: readonly SessionView[];
}

/** One session; of its id only the beginning, since whoever has all of it and a token may resume it. */
export interface SessionView {
  readonly id: string;
  readonly userId: string;
  readonly state: string;
  readonly s: number;
  readonly guilds: number;
  readonly clientShard: string;
  readonly sinceMs: number;
  readonly encoding: string;
  readonly hereOnly: boolean;
}

/** What doubling would do. */
export interface ReshardPlanView {
  readonly from: number;
  readonly to: number;
  readonly hash: string;
  readonly splits: readonly {
    readonly shard: ShardName;
    readonly host: string;
    readonly lowTopics: number;
    readonly highTopics: number;
    readonly lowLoad: number;
    readonly highLoad: number;
  }[];
  readonly moves: readonly PlannedMoveView[];
}

/** A move that is to be. */
export interface PlannedMoveView {
  readonly shard: ShardName;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** One step of a message's way. */
export interface TraceStepView {
  /** Unix time in microseconds. */
  readonly atUs: number;
  readonly process: string;
  readonly what: string;
  readonly detail: string;
}

/** What a verb that changes something has done, or would do, in lines for people. */
export interface Done {
  readonly dryRun: boolean;
  readonly lines: readonly string[];
}

/** A file of a backup. */
export interface BackedUpFile {
  /** Within the backup's folder. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A fleet's shards as a whole. */
export interface ShardsView {
  readonly mapVersion: number;
  /** What the document, or the tool since then, asks for. */
  readonly desired: number;
  readonly serving: number;
  readonly paused: boolean;
  readonly shards: readonly ShardView[];
  readonly reshard: ReshardView;
}

/** A fleet's hosts, and what was decided about them. */
export interface HostsView {
  /** The worst host's load divided by the mean; 0 = nothing known. */
  readonly imbalance: number;
  readonly mode: string;
  readonly hosts: readonly HostView[];
  readonly decisions: readonly DecisionView[];
  readonly moves: readonly MoveView[];
}

/** Every verb of the control socket (`POST /v1/<verb>`): what it takes, and what it answers. */
export interface ControlVerbs {
  readonly shards: readonly [Record<never, never>, ShardsView];
  readonly hosts: readonly [Record<never, never>, HostsView];
  /** `limit` sessions of each gateway at most; 0 = only the counts. */
  readonly sessions: readonly [{ readonly limit?: number }, { readonly gateways: readonly GatewayView[] }];
  /** `to` left out: twice what serves. */
  readonly "reshard-plan": readonly [{ readonly to?: number }, ReshardPlanView];
  readonly "reshard-status": readonly [Record<never, never>, ReshardView];
  readonly "reshard-apply": readonly [DryRun & { readonly to: number }, ReshardView];
  /** `hash` left out: of the plan as it is now. */
  readonly "reshard-approve": readonly [DryRun & { readonly hash?: string }, ReshardView];
  readonly "reshard-pause": readonly [DryRun, ReshardView];
  readonly "reshard-resume": readonly [DryRun, ReshardView];
  readonly "reshard-cancel": readonly [DryRun, ReshardView];
  readonly "reshard-undo": readonly [DryRun, ReshardView];
  readonly move: readonly [DryRun & { readonly shard: ShardName; readonly host: string }, MoveView];
  readonly rebalance: readonly [DryRun, { readonly moves: readonly PlannedMoveView[]; readonly reason: string }];
  readonly drain: readonly [DryRun & { readonly name: string }, Done];
  readonly pause: readonly [DryRun, Done];
  readonly resume: readonly [DryRun, Done];
  readonly trace: readonly [{ readonly messageId: string }, TraceView];
  readonly backup: readonly [DryRun & { readonly folder: string }, Done & { readonly files: readonly BackedUpFile[] }];
  readonly restore: readonly [DryRun & { readonly folder: string }, Done];
}

/** The way of one message. */
export interface TraceView {
  readonly topic: string;
  readonly seq: number;
  readonly steps: readonly TraceStepView[];
  /** Processes that did not answer. */
  readonly silent: readonly string[];
}

/** A verb of the control socket. */
export type ControlVerb = keyof ControlVerbs;
/** What a verb takes. */
export type AskOf<V extends ControlVerb> = ControlVerbs[V][0];
/** What a verb answers. */
export type AnswerOf<V extends ControlVerb> = ControlVerbs[V][1];

/** What a refused request is answered with; `path` is the field that is wrong. */
export interface ControlFailure {
  readonly code: string;
  readonly message: string;
  readonly path?: string;
}
