import { GuildhallError } from "@guildhall/errors";
import type { LoadedMessage } from "../decide/turn.ts";
import type { Member } from "../model/thing.ts";
import type { Store } from "../ports.ts";
import type { OpenedTopic } from "./open-topic.ts";
import type { RecentPool } from "./recent.ts";
import type { TopicActor } from "./topic-actor.ts";
import { makeTopicThings, type TopicThings } from "./topic-things.ts";

/** Actors of a host, opened on demand, bounded: idle ones are closed when there are too many. */
export interface TopicTable {
  readonly size: number;
  /** An open topic's actor; counts as a use. */
  get(topic: bigint): TopicActor | undefined;
  /** As `get`, without counting as a use. */
  peek(topic: bigint): TopicActor | undefined;
  /** The actor, opened now if need be; several who ask wait for one opening. */
  open(topic: bigint, create: () => Promise<TopicActor>): Promise<TopicActor>;
  /** Takes in an actor that is there. */
  put(actor: TopicActor): void;
  delete(topic: bigint): void;
  all(): Iterable<TopicActor>;
}

/** The bound that all shards of a host share. */
export interface OpenTopics {
  readonly max: number;
  size: number;
}

/** Makes the table of one shard. */
export function makeTopicTable(shared: OpenTopics): TopicTable {
  // In order of use, the oldest first.
  const actors = new Map<bigint, TopicActor>();
  const opening = new Map<bigint, Promise<TopicActor>>();

  const remove = (topic: bigint): void => {
    if (actors.delete(topic)) shared.size--;
  };
  const put = (actor: TopicActor): void => {
    if (!actors.has(actor.topic)) shared.size++;
    actors.set(actor.topic, actor);
  };
  const makeRoom = (): void => {
    if (shared.size + opening.size < shared.max) return;
    for (const actor of actors.values()) {
      if (!isIdle(actor)) continue;
      actor.things.clear();
      remove(actor.topic);
      actor.pipeline.close(new GuildhallError("UNAVAILABLE", "the topic was closed to make room"));
      return;
    }
    throw new GuildhallError("OVERLOADED", "too many guilds are open and none is idle");
  };
  const start = async (create: () => Promise<TopicActor>): Promise<TopicActor> => {
    makeRoom();
    const actor = await create();
    put(actor);
    return actor;
  };

  return {
    get size() {
      return actors.size;
    },
    get(topic) {
      const actor = actors.get(topic);
      if (actor !== undefined) {
        actors.delete(topic);
        actors.set(topic, actor);
      }
      return actor;
    },
    peek: (topic) => actors.get(topic),
    open(topic, create) {
      let promise = opening.get(topic);
      if (promise === undefined) {
        promise = start(create).finally(() => opening.delete(topic));
        opening.set(topic, promise);
      }
      return promise;
    },
    put,
    delete: remove,
    all: () => actors.values(),
  };
}

/** Whether nothing of the topic would be missed: all is in the store, nothing is under way. */
function isIdle({ pipeline, tail }: TopicActor): boolean {
  return pipeline.state === "open" && pipeline.size === 0 && tail.size === 0;
}

/** The members and messages of an opened topic, in the host's shared pools. */
export function thingsOf(
  { head, tail }: OpenedTopic,
  store: Store,
  pools: { readonly members: RecentPool; readonly messages: RecentPool },
): TopicThings {
  return makeTopicThings({
    topic: head.topic,
    store,
    tail,
    members: pools.members.makeMap<bigint, Member | null>(),
    messages: pools.messages.makeMap<
      bigint,
      (LoadedMessage & { readonly reactions: Map<string, Set<bigint>> }) | null
    >(),
  });
}
