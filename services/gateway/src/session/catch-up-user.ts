import type { GatewayContext } from "../context.ts";
import { bodyFor } from "../domain/audience.ts";
import type { TopicEvent } from "../domain/event.ts";
import type { PendingTopic } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import { TopicOrder } from "../domain/topic-order.ts";
import type { Followed } from "../topics/followed.ts";
import type { UserFollow } from "../topics/user-topics.ts";
import { deliverShared } from "./own-dispatch.ts";
import { applyUserChange } from "./user-change.ts";

/** How a session came to a topic: it did; it is not to; the way there was lost, for good, or begun anew. */
export type Crossed = "joined" | "left" | "lost" | "again";

/** What is wanted of the account's topic once it is followed. */
export interface UserWay {
  /** Up to where the session has had everything. */
  progress: number;
}

/**
 * Follows an account's topic and brings a session there from where it was: what lies between is fetched for it alone, and
 * it joins the topic in the turn in which both are at the same event. `way` says afterwards how far it got.
 */
export async function catchUpUser(
  context: GatewayContext,
  session: Session,
  { id }: PendingTopic,
  way: UserWay,
): Promise<Crossed> {
  const { userTopics, reads } = context;
  const follow = await userTopics.open(id);
  try {
    const [head] = await reads.heads("user", [id]);
    if (session.hasEnded) return "left";
    if (head === undefined || !userTopics.has(follow)) return "again";
    if (follow.order.hasStarted) follow.order.learnHead(head.seq);
    else follow.start(head.seq);
    context.bus.refill(follow);
    return await new UserCrossing(context, session, follow, way).run();
  } finally {
    follow.users--;
  }
}

/** The way of one session to its user topic. */
class UserCrossing implements Followed {
  readonly kind = "user";
  readonly id: bigint;
  readonly order: TopicOrder;
  source = "";
  isRefilling = false;
  readonly #context: GatewayContext;
  readonly #session: Session;
  readonly #follow: UserFollow;
  readonly #way: UserWay;
  readonly #result = Promise.withResolvers<Crossed>();

  constructor(context: GatewayContext, session: Session, follow: UserFollow, way: UserWay) {
    this.id = follow.id;
    this.#context = context;
    this.#session = session;
    this.#follow = follow;
    this.#way = way;
    this.order = new TopicOrder({ apply: (event) => this.#apply(event), applyEphemeral() {} });
    this.order.start(way.progress);
  }

  run(): Promise<Crossed> {
    if (this.#meet()) return this.#result.promise;
    const { topic } = this.#follow;
    if (topic.seq < this.#way.progress) {
      // This process is behind: the session waits for it.
      this.#follow.order.whenReached(this.#way.progress, () => {
        if (!this.#meet()) this.#result.resolve("again");
      });
      this.#context.bus.refill(this.#follow);
    } else this.#fetch();
    return this.#result.promise;
  }

  lose(): void {
    this.#result.resolve("lost");
  }

  #fetch(): void {
    this.order.learnHead(this.#follow.topic.seq);
    this.#context.bus.refill(this);
  }

  #apply(event: TopicEvent): void {
    const session = this.#session;
    if (session.hasEnded) {
      this.#result.resolve("left");
      return;
    }
    for (const dispatch of event.dispatches) {
      const body = session.isFirstShard ? bodyFor(dispatch, session.profile, session.userId) : undefined;
      if (body === undefined) continue;
      deliverShared(this.#context, session, body, { kind: "user", topic: this.id, seq: event.seq });
    }
    for (const change of event.userChanges) applyUserChange(this.#context, [session], change);
    this.#way.progress = event.seq;
    // The topic itself may have gone on since it was asked.
    if (!this.#meet()) this.order.learnHead(this.#follow.topic.seq);
  }

  /** Joins the topic if both are at the same event. */
  #meet(): boolean {
    const session = this.#session;
    if (!session.hasEnded && !this.#context.userTopics.has(this.#follow)) {
      this.#result.resolve("again");
      return true;
    }
    if (session.hasEnded || this.#follow.topic.seq !== this.#way.progress) return session.hasEnded;
    this.#follow.topic.attach(session);
    this.#result.resolve("joined");
    return true;
  }
}
