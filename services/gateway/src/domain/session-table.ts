import { lasting } from "./attachment.ts";
import { Deque } from "./deque.ts";
import { type DispatchLog, noCounter } from "./dispatch-log.ts";
import type { EndReason, LogWriter, Unfinished } from "./log-writer.ts";
import { type Link, Session, type SessionSeed } from "./session.ts";

/** What the table needs of its process. */
export interface SessionTablePorts {
  readonly log: DispatchLog;
  readonly writer: LogWriter;
  /** How long a session without a client may be resumed. */
  readonly windowMs: number;
  /** With more sessions than this, those that have been without a client for longest end early. */
  readonly maxSessions: number;
  nowMs(): number;
}

interface CutEntry {
  readonly session: Session;
  readonly cutIndex: number;
  readonly atMs: number;
}

/** All sessions of a process, with a client or without. */
export class SessionTable {
  readonly #ports: SessionTablePorts;
  readonly #sessions = new Map<string, Session>();
  readonly #freeSlots: number[] = [];
  readonly #cuts = new Deque<CutEntry>();
  #slots = 0;
  #cutCount = 0;
  #adopted = 0;

  constructor(ports: SessionTablePorts) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Those without a client. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** How many have come from other gateways since the start. */
  get adopted(): number {
    return this.#adopted;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  all(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  create(seed: Omit<SessionSeed, "slot">, link: Link): Session {
    const slot = this.#freeSlots.pop() ?? this.#slots++;
    const session = new Session({ ...seed, slot });
    session.sinceMs = Math.floor(this.#ports.nowMs());
    session.link = link;
    this.#sessions.set(session.id, session);
    while (this.#sessions.size > this.#ports.maxSessions && this.#cuts.length > 0) this.#endOldestCut();
    return session;
  }

  /** The initial guilds have all been sent: from here on it can be resumed. */
  begin(session: Session): void {
    session.startIndex = this.#ports.log.index;
    session.startS = session.s;
    // They have grown one by one; most sessions get no further ones.
    session.attachments = [...session.attachments];
    this.#ports.writer.begun(session);
  }

  /** A session that began elsewhere goes on here from `s`; it is to be brought to its topics. */
  adopt(seed: Omit<SessionSeed, "slot">, s: number, link: Link, unfinished: Unfinished): Session {
    const session = this.create(seed, link);
    this.#adopted++;
    session.s = s;
    session.startS = s;
    session.startIndex = this.#ports.log.index;
    this.#ports.writer.adopted(session, unfinished);
    return session;
  }

  /** The client is gone. The session stays for the window; one that has not begun ends. */
  cut(session: Session): void {
    if (session.link === undefined || session.hasEnded) return;
    session.link = undefined;
    session.cutIndex = this.#ports.log.index;
    if (session.startIndex === undefined) {
      this.end(session);
      return;
    }
    for (const attachment of session.attachments) attachment.topic.cut(attachment);
    this.#ports.writer.cut(session);
    this.#cutCount++;
    this.#cuts.push({ session, cutIndex: session.cutIndex, atMs: this.#ports.nowMs() });
  }

  /** A client is there again, and has been sent everything up to `s`. */
  relink(session: Session, link: Link, s: number): void {
    session.s = s;
    session.link = link;
    this.#cutCount--;
    this.#ports.writer.relinked(session);
    for (const attachment of session.attachments) {
      if (attachment.to === lasting) attachment.topic.link(attachment);
    }
  }

  /** The session is over, or another gateway has it now: it leaves its topics and cannot be resumed here. */
  end(session: Session, reason: EndReason = "over"): void {
    if (session.hasEnded) return;
    if (session.startIndex !== undefined) this.#ports.writer.ended(session, reason);
    session.hasEnded = true;
    if (session.link === undefined && session.startIndex !== undefined) this.#cutCount--;
    session.link = undefined;
    for (const attachment of session.attachments) attachment.topic.detach(attachment);
    this.#sessions.delete(session.id);
    this.#freeSlots.push(session.slot);
  }

  /** Ends sessions whose window is over, and forgets what the log no longer reaches. */
  expire(): void {
    const oldestMs = this.#ports.nowMs() - this.#ports.windowMs;
    for (let cut = this.#cuts.at(0); cut !== undefined && cut.atMs <= oldestMs; cut = this.#cuts.at(0)) {
      this.#endOldestCut();
    }
  }

  /** A session that has been resumed since, or cut again, is left alone. */
  #endOldestCut(): void {
    const cut = this.#cuts.shift();
    if (cut === undefined) return;
    const { session, cutIndex } = cut;
    if (session.link === undefined && session.cutIndex === cutIndex) this.end(session);
  }

  /** Puts every counter into the log, and lets sessions forget what it no longer reaches. */
  checkpoint(): void {
    const counters = new Uint32Array(this.#slots).fill(noCounter);
    const { log } = this.#ports;
    for (const session of this.#sessions.values()) {
      session.trim(log.floor);
      if (session.link !== undefined && session.startIndex !== undefined) counters[session.slot] = session.s;
    }
    log.addCheckpoint(counters, this.#ports.nowMs());
    this.#ports.writer.checkpoint(counters);
  }
}
