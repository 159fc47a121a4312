import { goingAway } from "./close-codes.ts";
import type { GatewayContext } from "./context.ts";
import type { Session } from "./domain/session.ts";
import { releaseSession } from "./session/end.ts";
import { reconnect } from "./session/payloads.ts";
import type { Connection } from "./transport/connection.ts";

/*
 * States of a drain, to which nothing new comes:
 *
 *   telling: batch by batch the sessions are cut, the log is written, and the clients hear RECONNECT
 *      └──all have been told──▶ waiting for the sessions to go on elsewhere
 *             └──all have, or the rest is left to the log (see DrainResult)──▶ done: connections that are left are closed
 *
 * The next batch follows when most of the one before have found their places, or after its share of half the time, 5 s at most.
 */

/** Who is there for clients that are sent away: other gateways; nobody before this one's successor; nobody for good. */
export type Outlook = "others" | "successor" | "nobody";

/** How a drain ended: all went on elsewhere; nobody was there; the others have not come for long; the time was over. */
export type DrainResult = "complete" | "alone" | "stalled" | "deadline";

/** What draining uses. */
export interface DrainPorts {
  readonly context: GatewayContext;
  readonly connections: ReadonlySet<Connection>;
  /** The part of the connections that is told at once. */
  readonly batchPercent: number;
  /** How long sessions may take to go on elsewhere. */
  readonly deadlineMs: number;
  /** Over how long clients are spread that find nobody at first. */
  readonly aloneSpreadMs: number;
  outlook(): Promise<Outlook>;
}

const leastPauseMs = 50;
// Clients that are away must not hold up the others, however few the batches are.
const mostPauseMs = 5_000;
const lookMs = 20;
const outlookEveryMs = 1_000;
// Clients that do not close by themselves are closed so long after they were told.
const graceMs = 1_000;
// Sessions that have not begun cannot be resumed: they are given so long to begin.
const beginMs = 5_000;
const enough = 0.8;
// Whoever has not come by then can be had from the log as well.
const stallMs = 10_000;

/** Sends the clients of this gateway to others. */
export class Drain {
  readonly #ports: DrainPorts;
  readonly #startedMs: number;
  readonly #told = new Set<Session>();
  #outlook: Outlook = "successor";
  #outlookMs = Number.NEGATIVE_INFINITY;
  #movedMs: number;

  constructor(ports: DrainPorts) {
    this.#ports = ports;
    this.#startedMs = ports.context.clock.monotonicMs();
    this.#movedMs = this.#startedMs;
  }

  /** Resolves when nothing is left to be done here. Cannot be called twice. */
  async run(): Promise<DrainResult> {
    const { connections, context } = this.#ports;
    await this.#look();
    await this.#tellAll(shuffled([...connections], context.random));
    const result = await this.#waitForAll();
    for (const connection of [...connections]) connection.close(goingAway, "");
    context.recording.flush();
    context.metrics.drains.inc({ result });
    context.log.info({ result, left: this.#count(this.#told) }, "drained");
    return result;
  }

  async #tellAll(waiting: Connection[]): Promise<void> {
    const { batchPercent, deadlineMs, aloneSpreadMs, context } = this.#ports;
    const size = Math.max(1, Math.ceil((waiting.length * batchPercent) / 100));
    const batches = Math.ceil(waiting.length / size);
    while (waiting.length > 0) {
      const batch = waiting.splice(0, this.#outlook === "nobody" ? waiting.length : size);
      const { told, later } = this.#tell(batch);
      waiting.push(...later);
      if (waiting.length === 0) return;
      const spreadMs = this.#outlook === "others" ? deadlineMs / 2 : aloneSpreadMs;
      await this.#pause(told, Math.min(mostPauseMs, (spreadMs / batches) * (0.5 + context.random())));
    }
  }

  /** Cuts the sessions of these and tells their clients; not yet those whose sessions are about to begin. */
  #tell(batch: readonly Connection[]): { told: ReadonlySet<Session>; later: Connection[] } {
    const { context, deadlineMs } = this.#ports;
    const isEarly = this.#passedMs() < Math.min(beginMs, deadlineMs / 2);
    const open = batch.filter(({ isClosing }) => !isClosing);
    const later = isEarly && this.#outlook !== "nobody" ? open.filter(isBeginning) : [];
    const now = open.filter((connection) => !later.includes(connection));
    const told = new Set<Session>();
    for (const connection of now) {
      const { session } = connection;
      releaseSession(context, connection, false);
      if (session !== undefined && !session.hasEnded) told.add(session);
    }
    // Where they were cut is known to others before they can ask for it.
    context.recording.flush();
    for (const connection of now) {
      connection.isLeaving = true;
      connection.control(reconnect);
    }
    for (const session of told) this.#told.add(session);
    this.#movedMs = context.clock.monotonicMs();
    context.timers.after(graceMs, () => {
      for (const connection of now) connection.close(goingAway, "");
    });
    return { told, later };
  }

  async #pause(told: ReadonlySet<Session>, mostMs: number): Promise<void> {
    const { clock, random } = this.#ports.context;
    const fromMs = clock.monotonicMs();
    const leastMs = Math.min(mostMs, leastPauseMs * (0.5 + random()));
    for (let passedMs = 0; passedMs < mostMs; passedMs = clock.monotonicMs() - fromMs) {
      await this.#after(lookMs);
      const isEnough = this.#outlook === "others" && this.#count(told) <= told.size * (1 - enough);
      if (isEnough && passedMs >= leastMs) break;
    }
    await this.#look();
  }

  async #waitForAll(): Promise<DrainResult> {
    const { connections, deadlineMs, context } = this.#ports;
    for (let left = this.#told.size; ; await this.#after(lookMs)) {
      const nowMs = context.clock.monotonicMs();
      const count = this.#count(this.#told);
      if (count < left) this.#movedMs = nowMs;
      left = count;
      const areClosed = connections.size === 0 || nowMs - this.#movedMs > graceMs;
      if (areClosed && count === 0) return "complete";
      if (areClosed && this.#outlook !== "others") return "alone";
      if (nowMs - this.#movedMs >= stallMs) return "stalled";
      if (this.#passedMs() >= deadlineMs) return "deadline";
      await this.#look();
    }
  }

  /** How many of these are still here. */
  #count(sessions: ReadonlySet<Session>): number {
    let count = 0;
    for (const { hasEnded } of sessions) if (!hasEnded) count++;
    return count;
  }

  async #look(): Promise<void> {
    const nowMs = this.#ports.context.clock.monotonicMs();
    if (nowMs - this.#outlookMs < outlookEveryMs) return;
    this.#outlookMs = nowMs;
    try {
      this.#outlook = await this.#ports.outlook();
    } catch (error) {
      this.#ports.context.log.warn({ err: error }, "it is not known whether other gateways are there");
    }
  }

  #passedMs(): number {
    return this.#ports.context.clock.monotonicMs() - this.#startedMs;
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.context.timers.after(ms, resolve));
  }
}

function isBeginning({ isIdentifying, session }: Connection): boolean {
  return isIdentifying || (session !== undefined && session.startIndex === undefined);
}

function shuffled<T>(items: T[], random: () => number): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other] as T, items[at] as T];
  }
  return items;
}
