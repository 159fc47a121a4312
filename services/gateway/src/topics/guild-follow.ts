import { GuildhallError } from "@guildhall/errors";
import type { JoinResult } from "@guildhall/proto";
import { lasting, type Member } from "../domain/attachment.ts";
import { bodyFor, reachesMember } from "../domain/audience.ts";
import type { Body } from "../domain/body.ts";
import type { LogRecord } from "../domain/dispatch-log.ts";
import type { Dispatch, GuildShape, TopicEvent } from "../domain/event.ts";
import { GuildTopic, type GuildTopicPorts } from "../domain/guild-topic.ts";
import type { Session } from "../domain/session.ts";
import { type SeqRange, TopicOrder } from "../domain/topic-order.ts";
import { convertShape } from "./convert.ts";
import type { Followed, TopicReads } from "./followed.ts";
import { type JoinAnswer, JoinBatch, type JoinBatchPorts } from "./join-batch.ts";

/** What a session is given when it joins. */
export interface Joined {
  readonly answer: JoinAnswer;
  /** Dispatches since the snapshot that concern it, in order. */
  readonly since: readonly Body[];
}

/** How a try to join ended. */
export type JoinTry = "joined" | "not a member" | "again";

/** What a guild's follower uses. */
export interface GuildFollowPorts extends Omit<GuildTopicPorts, "onGone">, Pick<JoinBatchPorts, "router" | "timers"> {
  readonly reads: TopicReads;
  onLost(follow: GuildFollow): void;
  onGone(follow: GuildFollow): void;
}

/** A guild's topic with its order, and the joins of it. */
export class GuildFollow implements Followed {
  readonly kind = "guild";
  readonly id: bigint;
  readonly topic: GuildTopic;
  readonly order: TopicOrder;
  readonly joins: JoinBatch;
  /** What else is given the events, once they are applied. */
  readonly taps = new Set<{ offer(event: TopicEvent): void }>();
  source = "";
  isRefilling = false;
  /** Since when it has had no sessions (monotonic ms); undefined = it has. */
  idleSinceMs: number | undefined;
  hasEnded = false;
  readonly #ports: GuildFollowPorts;
  #joinsUnderWay = 0;
  #isShapeAsked = false;
  #shaped = settleable();
  /** What to do for each join that waits when the topic ends. */
  readonly #endings = new Set<() => void>();
  #past: (SeqRange & { readonly dispatches: Promise<readonly PastDispatch[]> }) | undefined;

  constructor(guildId: bigint, ports: GuildFollowPorts) {
    this.id = guildId;
    this.#ports = ports;
    this.topic = new GuildTopic(guildId, { ...ports, onGone: () => this.#end(() => ports.onGone(this)) });
    this.order = new TopicOrder({
      apply: (event) => {
        this.topic.apply(event);
        for (const tap of this.taps) tap.offer(event);
      },
      applyEphemeral: (event) => this.topic.applyEphemeral(event),
    });
    this.joins = new JoinBatch(guildId, {
      router: ports.router,
      timers: ports.timers,
      wantsShape: () => this.#wantsShape(),
      onResult: (result) => this.#takeShape(result),
      onShapeFailed: () => this.#failShape(),
    });
  }

  get isIdle(): boolean {
    return this.topic.memberCount === 0 && this.#joinsUnderWay === 0;
  }

  lose(): void {
    this.#end(() => this.#ports.onLost(this));
  }

  /**
   * Starts the topic where another gateway left off: `act` comes before anything that follows. Without effect, and false,
   * when it has started. The topic's head is to be asked for then.
   */
  startFrom(shape: GuildShape, seq: number, act: () => void): boolean {
    if (this.topic.hasShape || this.hasEnded) return false;
    this.topic.start(shape, seq);
    this.#shaped.resolve();
    act();
    this.order.start(seq);
    return true;
  }

  /** Does something right after the event with `seq`; resolves, with whether it did, then or when the topic ends before. */
  async at(seq: number, act: () => void): Promise<boolean> {
    if (this.topic.seq > seq) return false;
    const result = await this.#whenReached(
      seq,
      () => {},
      () => {
        if (this.topic.seq !== seq) return "again";
        act();
        return "joined";
      },
    );
    return result === "joined";
  }

  /**
   * Tries to attach a session. `give` is called in the moment it is attached, before any later event, if it was not
   * attached already. With `isHeld` the topic waits meanwhile, so that the try cannot be overtaken by changes.
   */
  async tryJoin(session: Session, isHeld: boolean, give: (joined: Joined) => void): Promise<JoinTry> {
    const release = this.#begin(isHeld);
    try {
      const answer = await this.joins.ask(session.userId, session.largeThreshold > 0);
      if (!answer.isMember || answer.snapshot === undefined) return "not a member";
      await this.#shaped.promise;
      const { droppedSeq } = this.topic;
      if (droppedSeq > answer.headSeq) return "again";
      const past = await this.#pastOf({ from: answer.snapshot.seq + 1, to: droppedSeq });
      return await this.#whenReached(answer.headSeq, release, () =>
        this.topic.droppedSeq > droppedSeq ? "again" : this.#attach(session, answer, past, give),
      );
    } finally {
      release();
      this.#joinsUnderWay--;
      if (this.#joinsUnderWay === 0) this.topic.forgetTouched();
    }
  }

  /** What `act` says once the topic has reached `seq`, or how the topic ended before. */
  #whenReached(seq: number, release: () => void, act: () => JoinTry): Promise<JoinTry> {
    return new Promise((resolve) => {
      const end = (): void => resolve(this.topic.isGone ? "not a member" : "again");
      if (this.hasEnded) return end();
      this.#endings.add(end);
      this.order.whenReached(seq, () => {
        this.#endings.delete(end);
        resolve(act());
      });
      release();
    });
  }

  #begin(isHeld: boolean): () => void {
    this.#joinsUnderWay++;
    if (isHeld) this.order.hold();
    let isReleased = !isHeld;
    return () => {
      if (!isReleased) this.order.release();
      isReleased = true;
    };
  }

  #wantsShape(): boolean {
    if (this.topic.hasShape || this.#isShapeAsked) return false;
    this.#isShapeAsked = true;
    return true;
  }

  #takeShape({ shape, head }: JoinResult): void {
    if (shape === undefined || head === undefined || this.topic.hasShape || this.hasEnded) return;
    this.topic.start(convertShape(shape), Number(head.seq));
    this.order.start(Number(head.seq));
    this.#shaped.resolve();
  }

  #failShape(): void {
    this.#isShapeAsked = false;
    this.#shaped.reject(joinFailed(this.id));
    this.#shaped = settleable();
  }

  /** Dispatches that the log does not hold, because the topic was not followed yet. */
  async #pastOf(range: SeqRange): Promise<readonly PastDispatch[]> {
    if (range.from > range.to) return [];
    if (this.#past?.from !== range.from || this.#past.to !== range.to) {
      this.#past = { ...range, dispatches: this.#readPast(range) };
    }
    try {
      return await this.#past.dispatches;
    } catch (error) {
      this.#past = undefined;
      throw error;
    }
  }

  async #readPast(range: SeqRange): Promise<readonly PastDispatch[]> {
    const events = await this.#ports.reads.refill(this, range);
    if (events.length < range.to - range.from + 1) throw joinFailed(this.id);
    return events.flatMap(({ seq, dispatches }) => dispatches.map((dispatch) => ({ seq, dispatch })));
  }

  /** The topic has reached the answer's head, or gone beyond. */
  #attach(
    session: Session,
    answer: JoinAnswer,
    past: readonly PastDispatch[],
    give: (joined: Joined) => void,
  ): JoinTry {
    const { topic } = this;
    if (this.hasEnded || session.hasEnded) return "not a member";
    if (session.attachments.some((attachment) => attachment.topic === topic && attachment.to === lasting))
      return "joined";
    if (topic.hasChangedFor(session.userId, answer.headSeq)) return "again";
    const fromSeq = answer.snapshot?.seq ?? 0;
    const { view } = topic.attach(session, answer.roleIds).member as Member;
    const since: Body[] = [];
    // Up to the head, what is content is older than the session, and what was said to the user alone is about an
    // earlier stay in the guild; what changed the view would have made a new snapshot.
    const take = ({ seq, dispatch }: PastDispatch): void => {
      if (seq <= answer.headSeq && (dispatch.isContent || dispatch.audience.kind === "users")) return;
      if (!reachesMember(dispatch.audience, session.userId, view, view)) return;
      const body = bodyFor(dispatch, session.profile, session.userId);
      if (body !== undefined) since.push(body);
    };
    past.forEach(take);
    const { records } = topic;
    for (let place = records.search(({ seq }) => seq <= fromSeq); place < records.length; place++) {
      const record = records.at(place) as LogRecord;
      if (!record.isEphemeral) take(record);
    }
    give({ answer, since });
    return "joined";
  }

  #end(tell: () => void): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#shaped.resolve();
    for (const end of this.#endings) end();
    this.#endings.clear();
    tell();
  }
}

interface PastDispatch {
  readonly seq: number;
  readonly dispatch: Dispatch;
}

/** A promise whose rejection nobody need wait for. */
function settleable(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => {});
  return made;
}

function joinFailed(guildId: bigint): GuildhallError {
  return new GuildhallError("UNAVAILABLE", `guild ${guildId} could not be joined`);
}
