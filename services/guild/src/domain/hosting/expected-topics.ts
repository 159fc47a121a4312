import type { Head } from "@guildhall/proto";
import type { Timers } from "../ports.ts";
import type { OpenedTopic } from "./open-topic.ts";

/**
 * Topics that were read for a shard before it came. Actors are made of them when they are asked for, and of the others bit
 * by bit: all at once would make everybody wait.
 */
export interface ExpectedTopics {
  /** Takes them in, those used last at the end. */
  expect(topics: readonly OpenedTopic[]): void;
  /** Hands a topic over, once. */
  claim(topic: bigint): OpenedTopic | undefined;
  head(topic: bigint): Head | undefined;
  /** Everything of a topic up to `seq` is in the store. */
  trim(topic: bigint, seq: bigint): void;
  clear(): void;
}

/** What they are made of. `adopt` makes an actor; false when there is no room for any more. */
export interface ExpectedTopicsOptions {
  readonly timers: Pick<Timers, "soon">;
  readonly adopt: (opened: OpenedTopic) => boolean;
}

const atOnce = 64;

/** Makes them, with none expected. */
export function makeExpectedTopics({ timers, adopt }: ExpectedTopicsOptions): ExpectedTopics {
  const expected = new Map<bigint, OpenedTopic>();

  const adoptSome = (): void => {
    for (const [topic, opened] of [...expected].slice(0, atOnce)) {
      if (expected.delete(topic) && !adopt(opened)) expected.clear();
    }
    if (expected.size > 0) timers.soon(adoptSome);
  };

  return {
    expect(topics) {
      for (const opened of topics) expected.set(opened.head.topic, opened);
      if (expected.size > 0) timers.soon(adoptSome);
    },
    claim(topic) {
      const opened = expected.get(topic);
      expected.delete(topic);
      return opened;
    },
    head: (topic) => expected.get(topic)?.head,
    trim: (topic, seq) => expected.get(topic)?.tail.trim(seq),
    clear: () => expected.clear(),
  };
}
