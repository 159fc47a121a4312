import type { Clock } from "@guildhall/lifecycle";
import type { Subscriber } from "@guildhall/rpc";
import type { DispatchLog } from "../domain/dispatch-log.ts";
import type { UserChange } from "../domain/event.ts";
import type { LogWriter } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import { TopicOrder } from "../domain/topic-order.ts";
import { UserTopic, type UserTopicPorts } from "../domain/user-topic.ts";
import type { Bus } from "./bus.ts";
import type { Followed } from "./followed.ts";

/** What the user topics use. */
export interface UserTopicsPorts {
  readonly log: DispatchLog;
  readonly writer: LogWriter;
  readonly bus: Bus;
  readonly subscriber: Pick<Subscriber, "subscribe" | "unsubscribe">;
  readonly clock: Clock;
  readonly onChange: (sessions: readonly Session[], change: UserChange) => void;
  readonly onLost: (sessions: readonly Session[]) => void;
}

/** A user's topic with its order. */
export class UserFollow implements Followed {
  readonly kind = "user";
  readonly id: bigint;
  readonly topic: UserTopic;
  readonly order: TopicOrder;
  source = "";
  isRefilling = false;
  idleSinceMs: number | undefined;
  /** IDENTIFY payloads of the user under way. */
  users = 0;
  readonly #onLost: (follow: UserFollow) => void;

  constructor(topic: UserTopic, onLost: (follow: UserFollow) => void) {
    this.id = topic.userId;
    this.topic = topic;
    this.order = new TopicOrder(topic);
    this.#onLost = onLost;
  }

  /** Begins after `seq`. */
  start(seq: number): void {
    this.topic.start(seq);
    this.order.start(seq);
  }

  lose(): void {
    this.#onLost(this);
  }
}

/** Topics without sessions are kept this long. */
const graceMs = 60_000;

/** The accounts that sessions of this process belong to. */
export class UserTopics {
  readonly #ports: UserTopicsPorts;
  readonly #follows = new Map<bigint, UserFollow>();
  // The same for all: there is a topic for each account that is connected.
  readonly #topicPorts: UserTopicPorts;
  readonly #onLost = (follow: UserFollow): void => this.#lose(follow);

  constructor(ports: UserTopicsPorts) {
    const { log, writer, clock, onChange } = ports;
    this.#ports = ports;
    this.#topicPorts = {
      log,
      writer,
      nowMs: () => clock.monotonicMs(),
      onChange: (topic, change) => onChange(topic.sessions(), change),
    };
  }

  get count(): number {
    return this.#follows.size;
  }

  get(userId: bigint): UserFollow | undefined {
    return this.#follows.get(userId);
  }

  /**
   * Follows an account's topic: resolves when what happens from now on comes in. Its order is started by the caller,
   * who asks for the head. The follower is kept until `users` has been counted down again.
   */
  async open(userId: bigint): Promise<UserFollow> {
    let follow = this.#follows.get(userId);
    if (follow === undefined) {
      follow = new UserFollow(new UserTopic(userId, this.#topicPorts), this.#onLost);
      this.#follows.set(userId, follow);
      this.#ports.bus.follow(follow);
    }
    follow.users++;
    try {
      await this.#ports.subscriber.subscribe(userId);
    } catch (error) {
      follow.users--;
      throw error;
    }
    return follow;
  }

  /** Whether this is how the account is followed now. */
  has(follow: UserFollow): boolean {
    return this.#follows.get(follow.id) === follow;
  }

  /** Drops accounts that have had no sessions for long. */
  tidy(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const follow of this.#follows.values()) {
      if (follow.topic.sessionCount > 0 || follow.users > 0) follow.idleSinceMs = undefined;
      else follow.idleSinceMs ??= nowMs;
      if (follow.idleSinceMs !== undefined && nowMs - follow.idleSinceMs >= graceMs) this.#drop(follow);
    }
  }

  #lose(follow: UserFollow): void {
    this.#drop(follow);
    this.#ports.onLost(follow.topic.sessions());
  }

  #drop(follow: UserFollow): void {
    if (this.#follows.get(follow.id) !== follow) return;
    this.#follows.delete(follow.id);
    this.#ports.bus.unfollow(follow.id);
    this.#ports.subscriber.unsubscribe(follow.id);
  }
}
