import { CreateMessage, type DirectoryEntry, DirectoryKind, type Failure, type TopicRequest } from "@guildhall/proto";
import { type MapEntry, slotOf } from "@guildhall/slots";
import { makeManualTime } from "@guildhall/testing";
import type { Answer } from "../src/domain/ports.ts";
import { makeRouter, type RouterLimits } from "../src/domain/router.ts";
import { makeSimulatedHosts } from "./simulated-hosts.ts";

export const channelId = 900n << 22n;
export const guildId = 5n << 22n;
export const slot = slotOf(guildId);
const position = { topic: 1n, epoch: 1, seq: 1n };
export const done: Answer = { $case: "command", value: { position, status: 200, json: Buffer.from("{}") } };

export const entry = (address: string, epoch: number, incarnation = address): MapEntry => ({
  range: { i: slot % 4, n: 4 },
  host: address,
  address,
  epoch,
  incarnation,
});
export const notOwner = (of: MapEntry): Answer => ({ $case: "notOwner", value: { slot, ...of } });
export const failure = (code: string): Answer => ({
  $case: "failure",
  value: { code, message: "", fields: [], retryAfterMs: 0 } satisfies Failure,
});
export const post = (requestId = 1n, timeoutMs = 0): TopicRequest => {
  const createMessage = CreateMessage.fromPartial({ channelId, content: "hello" });
  const command = {
    requestId,
    actor: undefined,
    reason: "",
    body: { $case: "createMessage", value: createMessage },
  } as const;
  return { id: 0n, traceparent: "", topic: 0n, timeoutMs, body: { $case: "command", value: command } };
};
export const getChannel = (): TopicRequest => {
  const read = { actor: undefined, body: { $case: "getChannel", value: { channelId } } } as const;
  return { id: 0n, traceparent: "", topic: 0n, timeoutMs: 0, body: { $case: "read", value: read } };
};
export const room = (count: number) => ({ count, bytes: 10_000 });
export const codeOf = async (answer: Promise<Answer>): Promise<string> => {
  try {
    const body = await answer;
    return body.$case === "failure" ? body.value.code : body.$case;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
};

/** A router between simulated hosts, in time that passes when told. */
export function startRouter(limits?: RouterLimits) {
  const time = makeManualTime();
  const hosts = makeSimulatedHosts();
  const retries: string[] = [];
  const channels = new Map([[String(channelId), guildId]]);
  const router = makeRouter(
    {
      clock: time.clock,
      timers: time.timers,
      random: () => 0.5,
      connect: hosts.connect,
      sizeOf: () => 100,
      onRetry: (reason) => retries.push(reason),
      data: {
        findDirectory: async (keys) =>
          keys.flatMap((key): DirectoryEntry[] => {
            const topic = key.kind === DirectoryKind.DIRECTORY_KIND_CHANNEL ? channels.get(key.key) : undefined;
            return topic === undefined ? [] : [{ key, topic, cell: 0 }];
          }),
        page: async () => ({ json: Buffer.from("[]"), count: 0 }),
      },
    },
    limits,
  );
  return { time, hosts, router, retries };
}
