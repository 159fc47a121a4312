/** Who writes a log. */
export interface LogHolder {
  /** 8 hexadecimal digits of the process's incarnation: the name of its log, and how ids of its sessions begin. */
  readonly tag: string;
  readonly name: string;
  /** Where other gateways ask it over gRPC; "" = nowhere. */
  readonly address: string;
}

/** A place in a log. Segments are numbered from 1. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

/** Part of a log. */
export interface LogPiece {
  /** Where `bytes` begin: as asked for, or at the first segment that is still there. */
  readonly at: LogPosition;
  /** As many as asked for, or all that the segment has. */
  readonly bytes: Buffer;
  /** Whether a later segment has begun: then this one gets no longer. */
  readonly hasNext: boolean;
  /** How long ago the segment was last written, by the store's own clock: those of processes may differ after a sleep. */
  readonly idleMs: number;
}

/** A log, as it is found by others. */
export interface StoredLog {
  readonly tag: string;
  /** When it was last written (Unix ms). */
  readonly writtenMs: number;
  /** How long ago that was, by the store's own clock. */
  readonly idleMs: number;
}

/** That a gateway took a session over. */
export interface Claim {
  readonly sessionId: string;
  /** Counts the claims of a session from 1; generation 0 is the gateway that it began at. */
  readonly generation: number;
  /** The tag of the gateway that has it now. */
  readonly holder: string;
  /** Unix time in milliseconds. */
  readonly atMs: number;
}

/** The log that this process writes. */
export interface OwnLog extends Disposable {
  /** Begins a segment; what is appended goes there from now on. Throws when it cannot be. */
  begin(segment: number, header: Uint8Array): void;
  /**
   * Appends to the segment. When it returns, the bytes outlive this process (not a loss of power: whoever loses the machine
   * loses the connections and the other gateways with it). Throws when they do not; the segment's end is undefined then.
   */
  append(bytes: Uint8Array): void;
  /** Removes a segment of the past. */
  drop(segment: number): Promise<void>;
}

/** Where session logs and claims lie, shared by all gateways. */
export interface SessionStore {
  createLog(holder: LogHolder): OwnLog;
  /** Who writes, or wrote, a log; undefined when there is none of that tag. */
  holder(tag: string): Promise<LogHolder | undefined>;
  /** Reads a log from a position on; undefined when there is nothing of it any more. */
  read(tag: string, from: LogPosition, maxBytes: number): Promise<LogPiece | undefined>;
  logs(): Promise<readonly StoredLog[]>;
  removeLog(tag: string): Promise<void>;
  /** Claims a session; false when somebody else has that generation. */
  claim(claim: Omit<Claim, "atMs">): Promise<boolean>;
  /** The claims of a session, in order of their generations. */
  claims(sessionId: string): Promise<readonly Claim[]>;
  /**
   * Names of the claims of sessions that began at `origin`; undefined when there are no others than at the last call, which
   * returned `since`.
   */
  claimsOf(origin: string, since: string): Promise<ClaimList | undefined>;
  /** The tags that sessions with claims began at. */
  origins(): Promise<readonly string[]>;
  removeClaims(sessionId: string): Promise<void>;
}

/** Which sessions were claimed. */
export interface ClaimList {
  readonly since: string;
  readonly claims: readonly Pick<Claim, "sessionId" | "generation">[];
}

const sessionIdPattern = /^[0-9a-f]{40}$/;

/** The tag of the gateway that a session began at; undefined when the id is none that a gateway makes. */
export function originOf(sessionId: string): string | undefined {
  return sessionIdPattern.test(sessionId) ? sessionId.slice(0, 8) : undefined;
}
