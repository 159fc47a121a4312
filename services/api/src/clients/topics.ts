import { GuildhallError } from "@guildhall/errors";
import type { Command, CommandResult, Read } from "@guildhall/proto";
import type { RouterClient } from "@guildhall/rpc";
import { type AttemptOptions, withAttempts } from "./attempts.ts";
import { makePool } from "./pool.ts";

/** Commands to and reads of topics, through the routers. Topic 0 = the router finds it. */
export interface Topics {
  command(topic: bigint, command: Command, traceparent: string): Promise<CommandResult>;
  /** The JSON that the owner rendered. */
  read(topic: bigint, read: Read, traceparent: string): Promise<Uint8Array>;
  isConnected(): boolean;
}

// Below the 15 s after which discord.js gives up and asks anew; above the 10 s that a failover may take.
const timeoutMs = 14_000;

// What is left for the router's own answer to come back.
const answerMs = 500;

/** What the topics are reached by. */
export interface TopicsOptions {
  readonly routers: readonly RouterClient[];
  readonly monotonicMs: () => number;
  readonly onRetry: (code: string) => void;
}

/** Makes the way to the topics. */
export function makeTopics({ routers, monotonicMs, onRetry }: TopicsOptions): Topics {
  const pool = makePool(routers);
  const changing: AttemptOptions = { monotonicMs, timeoutMs, changes: true, onRetry };
  const reading: AttemptOptions = { ...changing, changes: false };
  const options = (topic: bigint, traceparent: string, leftMs: number) => ({
    timeoutMs: leftMs,
    traceparent,
    extra: { topic, timeoutMs: Math.max(1, Math.floor(leftMs - answerMs)) },
  });
  return {
    command: (topic, command, traceparent) =>
      withAttempts(
        changing,
        (leftMs) => pool.next().call("command", command, options(topic, traceparent, leftMs)),
        // Of what changed nothing no host keeps a memory.
        ({ position }) => position !== undefined,
      ),
    async read(topic, read, traceparent) {
      const { of } = await withAttempts(reading, (leftMs) =>
        pool.next().call("read", read, options(topic, traceparent, leftMs)),
      );
      if (of?.$case !== "json") throw new GuildhallError("INTERNAL", "a read was answered without JSON");
      return of.value;
    },
    isConnected: pool.isConnected,
  };
}
