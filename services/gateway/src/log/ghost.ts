import type { Timers } from "@guildhall/lifecycle";
import { lasting } from "../domain/attachment.ts";
import type { GuildTopic } from "../domain/guild-topic.ts";
import type { GuildStart, PendingTopic } from "../domain/log-writer.ts";
import { type Counted, planResume, type ResumePlan, settle } from "../domain/resume.ts";
import type { GuildJoin, SessionSeed } from "../domain/session.ts";
import type { SessionStore } from "../store/session-store.ts";
import { LogReader } from "./log-reader.ts";
import { Replay, type Replayed, type ReplayPorts } from "./replay.ts";

/** What a ghost uses. */
export interface GhostPorts extends Omit<ReplayPorts, "onHandedOver"> {
  readonly store: SessionStore;
  readonly timers: Timers;
  readonly tag: string;
}

/** What another gateway goes on with. */
export interface Remains {
  readonly seed: SessionSeed;
  readonly plan: ResumePlan;
  /** Topics to be joined, from where the session was in them. */
  readonly pending: readonly PendingTopic[];
  readonly joining: ReadonlyMap<bigint, GuildJoin>;
  readonly cutMs: number | undefined;
}

/** Why there is nothing to go on with. */
export type NoRemains = Exclude<Counted, "right"> | "incomplete";

/** Another gateway's sessions and topics, made from its log, as far as that has been read. */
export class Ghost {
  readonly tag: string;
  readonly replay: Replay;
  readonly #ports: GhostPorts;
  readonly #reader: LogReader;
  readonly #watched = new Map<string, Set<(found: Replayed) => void>>();
  readonly #starts = new WeakMap<GuildTopic, GuildStart>();
  #pass: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  constructor(ports: GhostPorts) {
    this.#ports = ports;
    this.tag = ports.tag;
    this.replay = new Replay({ ...ports, onHandedOver: (found) => this.#tell(found) });
    this.#reader = new LogReader(ports.store, ports.tag, this.replay);
  }

  /** Calls `act` when reading comes to the place where the holder handed a session over, with the session as it was there. */
  watch(sessionId: string, act: (found: Replayed) => void): Disposable {
    const watchers = this.#watched.get(sessionId) ?? new Set();
    this.#watched.set(sessionId, watchers.add(act));
    return {
      [Symbol.dispose]: () => {
        watchers.delete(act);
        if (watchers.size === 0) this.#watched.delete(sessionId);
      },
    };
  }

  /** Reads all that the log has now; a bounded piece a turn. False when there is no such log. */
  readOn(): Promise<boolean> {
    if (this.#pass === undefined) return this.#start();
    // What is under way may have been past the end already.
    this.#next ??= this.#pass.catch(() => false).then(() => this.#start());
    return this.#next;
  }

  /** For how long a session has been without a client, or without its gateway, by what was last read. */
  idleMs({ cutMs }: Replayed): number {
    const { atMs } = this.replay;
    return this.#reader.idleMs + atMs - (cutMs ?? atMs);
  }

  /** Says so when the log ends in the middle of something. */
  reportTail(): void {
    this.#reader.reportTail();
  }

  /** What there is to go on with of a session, for a client that has `seq`. In one turn with what has been read. */
  remains(found: Replayed, seq: number): Remains | NoRemains {
    const { log } = this.replay;
    const { session, cutMs, joining } = found;
    const isCut = cutMs !== undefined;
    const counted = settle(log, session, isCut ? session.cutIndex : log.index, isCut ? session.s : undefined);
    // How far a session has got that had a client must be counted; of one that was cut the log says it.
    if (counted === "wrong" || (counted === "unknown" && !isCut)) return counted;
    const pending = this.#pendingOf(found);
    if (pending.some(({ kind, start }) => kind === "guild" && start === undefined)) return "incomplete";
    return { seed: session, plan: planResume(log, session, seq), pending, joining, cutMs };
  }

  #pendingOf({ session, pending }: Replayed): PendingTopic[] {
    const topics: PendingTopic[] = [...pending.values()];
    for (const { topic, to } of session.attachments) {
      if (to !== lasting) continue;
      const { kind, id, seq } = topic;
      const start = kind === "guild" ? this.#startOf(topic as GuildTopic, session.userId) : undefined;
      topics.push({ kind, id, progress: seq, start });
    }
    return topics;
  }

  /** One object for all who are at the same place of a topic: it is written once for all of them. */
  #startOf(topic: GuildTopic, userId: bigint): GuildStart {
    const known = this.#starts.get(topic);
    if (known?.seq === topic.seq && known.members.has(userId)) return known;
    const members = new Map(Array.from(topic.userIds(), (id) => [id, topic.rolesOf(id)]));
    const made = { seq: topic.seq, shape: topic.shape(), members };
    this.#starts.set(topic, made);
    return made;
  }

  #tell(found: Replayed): void {
    for (const act of this.#watched.get(found.session.id) ?? []) act(found);
  }

  #start(): Promise<boolean> {
    this.#next = undefined;
    const pass = this.#readAll().finally(() => {
      if (this.#pass === pass) this.#pass = undefined;
    });
    this.#pass = pass;
    return pass;
  }

  async #readAll(): Promise<boolean> {
    for (;;) {
      const outcome = await this.#reader.readPiece();
      if (outcome !== "more") return outcome === "end";
      await new Promise<void>((resolve) => void this.#ports.timers.after(0, resolve));
    }
  }
}
