/** What a host is called and how much it may hold. */
export interface HostConfig {
  /** "guild-0". */
  readonly name: string;
  /** Where its gRPC server is reached. */
  readonly address: string;
  /** Random per start of the process. */
  readonly incarnation: string;
  /** Of the program, "0.1.0". */
  readonly version: string;
  readonly limits: HostLimits;
}

/** The bounds of a host. Times in milliseconds. */
export interface HostLimits {
  /** Topics in memory; above it idle ones are closed, and OVERLOADED is answered when none is idle. */
  readonly openTopics: number;
  /** Members in memory over all topics. */
  readonly cachedMembers: number;
  /** Messages in memory over all topics, for edits, replies and reactions. */
  readonly cachedMessages: number;
  /** Records of one topic that wait for the journal; above it QUEUE_FULL. */
  readonly inFlightPerTopic: number;
  /** Records of one shard that are journaled and not yet in the store; above it STORE_UNAVAILABLE. */
  readonly backlogRecords: number;
  readonly backlogBytes: number;
  /** Events of one shard kept for refills. */
  readonly ringBytes: number;
  readonly resumeWindowMs: number;
  /** Request ids and nonces of one shard. */
  readonly retries: number;
  /** What waits for one shard that is about to change hands; above it QUEUE_FULL. */
  readonly waitingRequests: number;
  readonly waitingBytes: number;
  /** Messages whose way is remembered, for 10 minutes at most. */
  readonly tracedMessages: number;
  /** How long an unknown append is resent before its outcome is given up as unknown. */
  readonly settleMs: number;
  /** How long records gather before they go to the store together. */
  readonly gatherMs: number;
}

/** The limits a host runs with unless told otherwise. */
export const defaultLimits: HostLimits = {
  openTopics: 4_096,
  cachedMembers: 200_000,
  cachedMessages: 50_000,
  inFlightPerTopic: 1_024,
  backlogRecords: 50_000,
  backlogBytes: 64 * 1024 * 1024,
  ringBytes: 64 * 1024 * 1024,
  resumeWindowMs: 120_000,
  retries: 1_000_000,
  waitingRequests: 8_192,
  waitingBytes: 32 * 1024 * 1024,
  tracedMessages: 100_000,
  settleMs: 10_000,
  gatherMs: 25,
};
