import type { Clock, Timers } from "@guildhall/lifecycle";
import type { BusItem } from "@guildhall/proto";
import type { Log, Spans } from "@guildhall/telemetry";
import { everyGuard, type GatewayGuards } from "../domain/guards.ts";
import { Sources } from "../domain/sources.ts";
import type { OrderObserver } from "../domain/topic-order.ts";
import { readEphemeral, readEvent } from "./convert.ts";
import type { Followed, TopicReads } from "./followed.ts";
import { Refiller } from "./refiller.ts";

/** What the bus uses. */
export interface BusPorts {
  readonly reads: TopicReads;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly startSpan: Spans["startSpan"];
  readonly onEncoded: (dispatches: number) => void;
  readonly onRefilled: (result: string) => void;
  readonly observer?: OrderObserver | undefined;
}

const beatSilenceMs = 1_000;
const forgetSourceMs = 60_000;
const sweepMs = 250;
const maxHeadsAsked = 1_000;
const maxPauseMs = 2_000;

/** Brings what the bus carries to the topics that are followed, and notices what it has lost. */
export class Bus implements Disposable {
  readonly #ports: BusPorts;
  readonly #guards: Pick<GatewayGuards, "heads">;
  readonly #topics = new Map<bigint, Followed>();
  readonly #refiller: Refiller;
  readonly #sources = new Sources({ silentMs: beatSilenceMs, forgetMs: forgetSourceMs });
  readonly #due = new Set<bigint>();
  readonly #sweeps: Disposable;
  #isAsking = false;
  #pauseMs = 0;
  #notBeforeMs = 0;
  #checkedMs = 0;

  constructor(ports: BusPorts, guards: Pick<GatewayGuards, "heads"> = everyGuard) {
    this.#ports = ports;
    this.#guards = guards;
    this.#refiller = new Refiller({ ...ports, onDone: ports.onRefilled });
    this.#sweeps = ports.timers.every(sweepMs, () => this.#sweep());
  }

  /** From now on the topic gets its events. */
  follow(followed: Followed): void {
    followed.order.observer = this.#ports.observer;
    this.#topics.set(followed.id, followed);
  }

  unfollow(topic: bigint): void {
    this.#topics.delete(topic);
    this.#due.delete(topic);
  }

  /** Asks how far a topic has got. */
  check(topic: bigint): void {
    this.#check(topic);
  }

  /** Asks for what a topic is missing, if it is. */
  refill(followed: Followed): void {
    this.#refiller.check(followed);
  }

  /** Takes items in the order in which the router sent them. */
  take(items: readonly BusItem[]): void {
    for (const item of items) {
      try {
        this.#takeOne(item);
      } catch (error) {
        this.#ports.log.error({ err: error, topic: item.topic }, "an item of the bus could not be applied");
        this.#topics.get(item.topic)?.lose();
      }
    }
  }

  /** Items may have been missed anywhere: asks how far every topic has got. */
  checkAll(): void {
    for (const topic of this.#topics.keys()) this.#due.add(topic);
    this.#checkedMs = this.#ports.clock.monotonicMs();
    this.#notBeforeMs = Math.min(this.#notBeforeMs, this.#checkedMs + sweepMs);
    this.#ask();
  }

  /** Guilds have another host now: what the former one sent last may be missing. */
  checkGuilds(isConcerned: (guildId: bigint) => boolean): void {
    for (const { id, kind } of this.#topics.values()) if (kind === "guild" && isConcerned(id)) this.#due.add(id);
    this.#ask();
  }

  [Symbol.dispose](): void {
    this.#sweeps[Symbol.dispose]();
    this.#topics.clear();
    this.#due.clear();
  }

  #takeOne({ topic, of, source }: BusItem): void {
    if (of?.$case === "beat") {
      const { source: name, number, heads } = of.value;
      for (const head of heads) this.#learn(head.topic, Number(head.seq));
      if (this.#sources.beat(name, number, this.#ports.clock.monotonicMs())) this.#checkSource(name);
      return;
    }
    const followed = this.#topics.get(topic);
    if (followed === undefined) return;
    if (of?.$case === "event") {
      const event = readEvent(of.value);
      this.#ports.onEncoded(event.dispatches.length);
      const span = event.traceparent === "" ? undefined : this.#ports.startSpan("dispatch", event.traceparent);
      followed.order.offer(event);
      span?.end();
      this.#meet(followed, source);
      this.#refiller.check(followed);
    } else if (of?.$case === "ephemeral") {
      const event = readEphemeral(of.value);
      if (event === undefined) return;
      this.#ports.onEncoded(1);
      followed.order.offerEphemeral(event);
    }
  }

  /** Another source than before: the last events of the old one may be missing. */
  #meet(followed: Followed, source: string): void {
    if (followed.source === source) return;
    const isKnown = followed.source !== "";
    followed.source = source;
    if (isKnown) this.#check(followed.id);
  }

  #learn(topic: bigint, seq: number): void {
    const followed = this.#topics.get(topic);
    if (followed === undefined) return;
    followed.order.learnHead(seq);
    this.#refiller.check(followed);
  }

  #checkSource(source: string): void {
    for (const followed of this.#topics.values()) {
      if (followed.source === source || followed.source === "") this.#due.add(followed.id);
    }
    this.#ask();
  }

  #check(topic: bigint): void {
    this.#due.add(topic);
    this.#ask();
  }

  #sweep(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const source of this.#sources.silent(nowMs)) this.#checkSource(source);
    if (this.#topics.size > 0 && this.#sources.isAllSilent(nowMs) && nowMs - this.#checkedMs > beatSilenceMs) {
      this.checkAll();
    }
    this.#ask();
  }

  #ask(): void {
    if (!this.#guards.heads) return;
    if (this.#isAsking || this.#due.size === 0 || this.#ports.clock.monotonicMs() < this.#notBeforeMs) return;
    this.#isAsking = true;
    const ids = [...this.#due].slice(0, maxHeadsAsked);
    for (const id of ids) this.#due.delete(id);
    const topics = ids.flatMap((id) => this.#topics.get(id) ?? []);
    void Promise.all([this.#askHeads("guild", topics), this.#askHeads("user", topics)]).then((answers) => {
      this.#isAsking = false;
      const isAnswered = answers.every(Boolean);
      this.#pauseMs = isAnswered ? 0 : Math.min(Math.max(this.#pauseMs * 2, sweepMs), maxPauseMs);
      this.#notBeforeMs = this.#ports.clock.monotonicMs() + this.#pauseMs;
      this.#ask();
    });
  }

  /** Asks for the heads of the topics of one kind; those not answered stay due. */
  async #askHeads(kind: Followed["kind"], topics: readonly Followed[]): Promise<boolean> {
    const ids = topics.filter((followed) => followed.kind === kind).map(({ id }) => id);
    if (ids.length === 0) return true;
    try {
      const heads = await this.#ports.reads.heads(kind, ids);
      for (const { topic, seq, source } of heads) {
        const followed = this.#topics.get(topic);
        if (followed !== undefined && source !== "") followed.source = source;
        this.#learn(topic, seq);
      }
      return true;
    } catch (error) {
      this.#ports.log.debug({ err: error, kind }, "heads could not be asked");
      for (const id of ids) if (this.#topics.has(id)) this.#due.add(id);
      return false;
    }
  }
}
