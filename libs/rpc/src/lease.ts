import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { Clock, Timers } from "@guildhall/lifecycle";
import type { LeaseWorkerId, WorkerIdLease } from "@guildhall/proto";
import { type IdGenerator, makeIdGenerator, makeSlewedClock, timestampMsOf } from "@guildhall/snowflake";
import type { Backoff } from "./backoff.ts";

export { type Backoff, makeBackoff } from "./backoff.ts";

/*
 * States of a lease:
 *
 *   leasing ──answered──▶ held ──renewed at ttl/3──▶ held
 *      ▲                    └──ttl passed, or other bits answered──▶ lost (no ids) ──backoff──▶ leasing
 *
 * The time held counts from when the request was sent, so it ends here before it ends at the coordinator.
 */

/** What a lease is made of. */
export interface LeaseParts {
  /** E.g. "api-0". */
  readonly process: string;
  /** Random per start of the process. */
  readonly incarnation: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly backoff: Backoff;
  /** Asks the coordinator. */
  ask(
    ask: LeaseWorkerId,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<WorkerIdLease>;
}

/** The right of this process to make ids. Disposal stops renewing. */
export interface WorkerLease extends AsyncDisposable {
  /**
   * Makes ids under whatever bits are leased now; `next` throws UNAVAILABLE while none are, and ID_CLOCK_AHEAD for an id
   * far in the future. Then the coordinator is told that ids will be made up to there, and once it knows `next` makes one.
   */
  readonly generator: IdGenerator;
  /** The process's time, slewed to the coordinator's. */
  readonly clock: Clock;
  /** Aborts when the present lease is lost; after a new one, a fresh signal. */
  readonly lost: AbortSignal;
  readonly incarnation: string;
}

interface Held {
  readonly workerId: number;
  readonly ttlMs: number;
  readonly inner: IdGenerator;
  untilMs: number;
}

const callTimeoutMs = 2_000;
/** Also with a long lease the clock is to follow the coordinator's, and the mark of the ids is to be fresh. */
const longestRenewalMs = 10_000;

/** Leases worker bits, waiting for the coordinator as long as it takes or until `signal` says so, and keeps them. */
export async function makeWorkerLease(parts: LeaseParts, signal?: AbortSignal): Promise<WorkerLease> {
  const lease = new Lease(parts);
  await lease.start(signal);
  return lease;
}

class Lease implements WorkerLease {
  readonly incarnation: string;
  readonly clock: Clock;
  readonly generator: IdGenerator;
  readonly #parts: LeaseParts;
  #slewed;
  readonly #closing = new AbortController();
  #held: Held | undefined;
  #lost = new AbortController();
  #last: bigint | undefined;
  #highestTimeMs = 0;
  /** The highest time that the coordinator knows of. */
  #reportedMs = 0;
  /** A time further ahead that an id is wanted of. */
  #wantedMs = 0;
  #reporting = false;
  #isSet = false;
  #timer: Disposable | undefined;
  #expiry: Disposable | undefined;

  constructor(parts: LeaseParts) {
    const { clock, incarnation } = parts;
    this.#parts = parts;
    this.incarnation = incarnation;
    const monotonicMs = () => clock.monotonicMs();
    this.#slewed = makeSlewedClock({ wallAtStartMs: clock.nowMs(), monotonicMs });
    this.clock = {
      nowMs: () => this.#slewed.nowMs(),
      nowUs: () => BigInt(Math.floor(this.#slewed.nowMs() * 1_000)),
      monotonicMs,
    };
    this.generator = {
      next: (above) => this.#next(above),
      highestTimeMs: () => this.#highestTimeMs,
    };
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Leases for the first time. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    while (!(await this.#ask(stop))) {
      if (stop.aborted) throw new GuildhallError("CANCELLED", "stopped before the coordinator answered");
      await this.#pause(this.#parts.backoff.nextMs(), stop);
    }
    this.#renewLater();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#timer?.[Symbol.dispose]();
    this.#lose();
  }

  #next(above: bigint | undefined): bigint {
    const held = this.#held;
    if (!held || this.clock.monotonicMs() >= held.untilMs) {
      if (held) this.#lose();
      throw new GuildhallError("UNAVAILABLE", "this process holds no worker id now");
    }
    const least = this.#last === undefined || (above !== undefined && above > this.#last) ? above : this.#last;
    const id = this.#made(held.inner, least);
    this.#last = id;
    this.#highestTimeMs = Math.max(this.#highestTimeMs, held.inner.highestTimeMs());
    return id;
  }

  #made(inner: IdGenerator, above: bigint | undefined): bigint {
    try {
      return inner.next(above);
    } catch (error) {
      if (isGuildhallError(error) && error.code === "ID_CLOCK_AHEAD" && above !== undefined) {
        this.#wantedMs = Math.max(this.#wantedMs, timestampMsOf(above));
        void this.#report();
      }
      throw error;
    }
  }

  /** Says at once how far ahead ids are to be made. */
  async #report(): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    await this.#ask(this.#closing.signal);
    this.#reporting = false;
  }

  /** Leases or renews once; false when the coordinator did not grant it. */
  async #ask(signal: AbortSignal): Promise<boolean> {
    const sentMs = this.clock.monotonicMs();
    const held = this.#held;
    const highestTimeMs = Math.ceil(Math.max(this.#highestTimeMs, this.#wantedMs));
    try {
      const { process, incarnation } = this.#parts;
      // Before the first answer it is the machine's, which nobody follows.
      const nowMs = BigInt(this.#isSet ? Math.floor(this.clock.nowMs()) : 0);
      const answer = await this.#parts.ask(
        { process, incarnation, workerId: held?.workerId, highestTimeMs: BigInt(highestTimeMs), nowMs },
        { timeoutMs: callTimeoutMs, signal },
      );
      this.#follow(Number(answer.nowMs), (sentMs + this.clock.monotonicMs()) / 2);
      this.#reportedMs = Math.max(this.#reportedMs, highestTimeMs);
      this.#hold(answer, sentMs);
      return true;
    } catch {
      // Whatever it was, the next attempt tells; the lease lapses by itself meanwhile.
      return false;
    }
  }

  /** The first time is taken as it is: nobody has seen another yet. */
  #follow(referenceMs: number, atMonotonicMs: number): void {
    const { monotonicMs } = this.clock;
    if (this.#isSet) this.#slewed.slewTo(referenceMs, atMonotonicMs);
    else this.#slewed = makeSlewedClock({ wallAtStartMs: referenceMs + (monotonicMs() - atMonotonicMs), monotonicMs });
    this.#isSet = true;
  }

  #hold({ workerId, ttlMs }: WorkerIdLease, sentMs: number): void {
    const untilMs = sentMs + ttlMs;
    this.#expiry?.[Symbol.dispose]();
    this.#expiry = this.#parts.timers.after(Math.max(0, untilMs - this.clock.monotonicMs()), () => this.#lose());
    if (this.#held?.workerId === workerId) {
      this.#held.untilMs = untilMs;
      return;
    }
    if (this.#held) this.#lost.abort();
    if (this.#lost.signal.aborted) this.#lost = new AbortController();
    const inner = makeIdGenerator({ workerId, nowMs: this.clock.nowMs, reportedMs: () => this.#reportedMs });
    this.#held = { workerId, ttlMs, inner, untilMs };
    this.#parts.backoff.reset();
  }

  #lose(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#held = undefined;
    this.#lost.abort();
  }

  #renewLater(): void {
    if (this.#closing.signal.aborted) return;
    const inMs = this.#held ? this.#nextRenewalMs(this.#held) : this.#parts.backoff.nextMs();
    this.#timer = this.#parts.timers.after(inMs, () => void this.#renew());
  }

  #nextRenewalMs(held: Held): number {
    const leftMs = held.untilMs - this.clock.monotonicMs();
    const sinceMs = held.ttlMs - leftMs;
    const renewalMs = Math.min(held.ttlMs / 3, longestRenewalMs);
    // On time: a third of the TTL has passed. After a failure: soon, but not past the end.
    return sinceMs < renewalMs ? renewalMs - sinceMs : Math.min(this.#parts.backoff.nextMs(), Math.max(1, leftMs));
  }

  async #renew(): Promise<void> {
    const granted = await this.#ask(this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    if (granted) this.#parts.backoff.reset();
    this.#renewLater();
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.timers.after(ms, done);
      signal.addEventListener("abort", done, { once: true });
      function done(): void {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}
