import {
  type BusItem,
  Command,
  CreateMessage,
  type DataReply,
  type DataRequest,
  RouterServiceClient,
  type TopicReply,
} from "@guildhall/proto";
import { makeGrpcClient, makePublisher, makeStreamMetadata, makeSubscriber } from "@guildhall/rpc";
import type { MapEntry } from "@guildhall/slots";
import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { type Fleet, startFleet } from "./fleet.ts";

const channelId = 900n << 22n;
const guildId = 5n << 22n;

const post = (requestId: bigint): Command =>
  Command.fromPartial({
    requestId,
    body: { $case: "createMessage", value: CreateMessage.fromPartial({ channelId, content: "hello" }) },
  });
const done = (text: string): TopicReply["body"] => ({
  $case: "command",
  value: { position: { topic: 1n, epoch: 1, seq: 1n }, status: 200, json: Buffer.from(text) },
});
const event = (n: number, sizeBytes = 4): BusItem => {
  const value = Buffer.alloc(sizeBytes);
  value.writeUInt32BE(n);
  return { topic: guildId, of: { $case: "event", value }, source: "" };
};
const numberOf = ({ of }: BusItem): number[] => (of?.$case === "event" ? [Buffer.from(of.value).readUInt32BE()] : []);

function entry(fleet: Fleet, host: string, epoch: number): MapEntry {
  return { range: { i: 0, n: 1 }, host, address: fleet.address(host), epoch, incarnation: `${host}/${epoch}` };
}

/** A directory that knows one channel, and counts the questions. */
function directory(questions: string[]) {
  return ({ body }: DataRequest): DataReply["body"] => {
    if (body?.$case !== "findDirectory") throw new Error(`data was asked ${body?.$case}`);
    for (const { key } of body.value.keys) questions.push(key);
    const known = body.value.keys.filter(({ key }) => key === String(channelId));
    return { $case: "findDirectory", value: { entries: known.map((key) => ({ key, topic: guildId, cell: 0 })) } };
  };
}

test("brings a command from the client to the owner that the map names, asking the directory once", async () => {
  await using fleet = await startFleet();
  const questions: string[] = [];
  await using _data = await fleet.startData(directory(questions));
  const seen: [bigint, bigint, string][] = [];
  await using _host = await fleet.startHost("guild-0", ({ topic, body, traceparent }) => {
    if (body?.$case !== "command") throw new Error("not a command");
    seen.push([topic, body.value.requestId, traceparent]);
    return done(`{"for":"${body.value.requestId}"}`);
  });
  fleet.publishMap(1, [entry(fleet, "guild-0", 1)]);
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const answers = [];
  for (const id of [1n, 2n, 3n]) answers.push(await fleet.client.call("command", post(id), { traceparent }));
  expect(answers.map(({ json }) => Buffer.from(json).toString())).toEqual([
    '{"for":"1"}',
    '{"for":"2"}',
    '{"for":"3"}',
  ]);
  expect(seen).toEqual([1n, 2n, 3n].map((id) => [guildId, id, traceparent]));
  expect(questions).toEqual([String(channelId)]);
  const unknown = {
    actor: undefined,
    body: { $case: "getInvite", value: { code: "nope", withCounts: false } },
  } as const;
  await expect(fleet.client.call("read", unknown)).rejects.toMatchObject({ code: "UNKNOWN_INVITE" });
  expect(await fleet.metric(/guildhall_router_requests_total\{kind="command",outcome="ok"\} (\d+)/)).toBe(3);
});

test("renders a granted history read by data", async () => {
  await using fleet = await startFleet();
  await using _data = await fleet.startData((request): DataReply["body"] => {
    if (request.body?.$case !== "page") return directory([])(request);
    const { messageId, viewerId, lastSeq } = request.body.value;
    const json = Buffer.from(`[{"id":"${messageId}","viewer":"${viewerId}","seq":"${lastSeq}"}]`);
    return { $case: "page", value: { json, count: 1 } };
  });
  await using _host = await fleet.startHost("guild-0", () => {
    const value = { channelId, lastSeq: 12n, tail: [], empty: false };
    return { $case: "read", value: { of: { $case: "history", value } } };
  });
  fleet.publishMap(1, [entry(fleet, "guild-0", 1)]);
  const answer = await fleet.client.call("read", {
    actor: undefined,
    body: { $case: "getMessage", value: { channelId, messageId: 9n } },
  });
  expect(answer.of).toEqual({ $case: "json", value: Buffer.from('{"id":"9","viewer":"0","seq":"12"}') });
});

test("a host killed with a command in work gets it again, with the same request id, from its next incarnation's stream", async () => {
  await using fleet = await startFleet();
  await using _data = await fleet.startData(directory([]));
  const seen: [string, bigint][] = [];
  const first = await fleet.startHost("guild-0", ({ body }) => {
    seen.push(["first", body?.$case === "command" ? body.value.requestId : 0n]);
    return new Promise(() => {});
  });
  fleet.publishMap(1, [entry(fleet, "guild-0", 1)]);
  const answer = fleet.client.call("command", post(42n));
  await waitFor(() => seen.length === 1);
  await first[Symbol.asyncDispose]();
  const nothing = { slot: 5, epoch: 0, host: "", address: "", range: undefined, incarnation: "" };
  let serving = false;
  await using _second = await fleet.startHost("guild-0", ({ body }): TopicReply["body"] => {
    if (!serving) return { $case: "notOwner", value: nothing };
    seen.push(["second", body?.$case === "command" ? body.value.requestId : 0n]);
    return done("{}");
  });
  await waitFor(() => fleet.metric(/guildhall_router_retries_total\{reason="not-owner"\} (\d+)/));
  serving = true;
  await using publisher = makePublisher({ addresses: [fleet.router.address], source: "guild-0/2" });
  publisher.opened([
    { i: 0, n: 1, epoch: 2, host: "guild-0", address: fleet.address("guild-0"), incarnation: "guild-0/2" },
  ]);
  expect((await answer).status).toBe(200);
  expect(seen).toEqual([
    ["first", 42n],
    ["second", 42n],
  ]);
});

test("a command whose host stays away is answered OUTCOME_UNKNOWN; one that never left, UNAVAILABLE", async () => {
  await using fleet = await startFleet();
  await using _data = await fleet.startData(directory([]));
  let taken = 0;
  const host = await fleet.startHost("guild-0", () => {
    taken += 1;
    return new Promise(() => {});
  });
  fleet.publishMap(1, [entry(fleet, "guild-0", 1)]);
  const extra = { timeoutMs: 1_500 };
  const lost = fleet.client.call("command", post(1n), { timeoutMs: 10_000, extra }).catch((error) => error);
  await waitFor(() => taken === 1);
  await host[Symbol.asyncDispose]();
  await waitFor(() => fleet.metric(/guildhall_router_waiting (\d+)/));
  const late = fleet.client.call("command", post(2n), { timeoutMs: 10_000, extra }).catch((error) => error);
  expect((await Promise.all([lost, late])).map(({ code }) => code)).toEqual(["OUTCOME_UNKNOWN", "UNAVAILABLE"]);
  expect((await late).retryAfterMs).toBeGreaterThan(0);
});

test("carries items from publishers to subscribers in order, and tells a new subscription when it is in force", async () => {
  await using fleet = await startFleet();
  await using publisher = makePublisher({ addresses: [fleet.router.address], source: "guild-0/1" });
  await waitFor(() => publisher.connected);
  const got: BusItem[] = [];
  await using subscriber = makeSubscriber({
    addresses: [fleet.router.address],
    subscriber: "gateway-0/1",
    onItems: (items) => got.push(...items),
    onLost: () => {},
  });
  publisher.publish([event(0)]);
  await subscriber.subscribe(guildId);
  for (let n = 1; n <= 200; n++) publisher.publish([event(n)]);
  publisher.publish([
    { topic: 0n, of: { $case: "beat", value: { source: "guild-0/1", number: 1n, heads: [] } }, source: "" },
  ]);
  await waitFor(() => got.some(({ of }) => of?.$case === "beat"));
  const after = got.slice(got.findIndex(({ of }) => of?.$case === "subscribed"));
  expect(after.flatMap(numberOf)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  expect(new Set(after.map(({ of, source }) => (of?.$case === "event" ? source : "guild-0/1")))).toEqual(
    new Set(["guild-0/1"]),
  );
});

test("a subscriber that does not read loses items, is told how many, and gets the rest in order", async () => {
  await using fleet = await startFleet();
  await using publisher = makePublisher({ addresses: [fleet.router.address], source: "guild-0/1" });
  const client = makeGrpcClient(RouterServiceClient, fleet.router.address);
  const stream = client.subscribe(makeStreamMetadata("gateway-0"));
  const got: BusItem[] = [];
  let dropped = 0;
  stream.on("error", () => {});
  stream.on("data", (message) => {
    got.push(...message.items);
    dropped = Number(message.dropped);
  });
  stream.write({ subscribe: [{ topic: guildId, subscription: 1n }], unsubscribe: [], subscriber: "gateway-0/1" });
  await waitFor(() => got.length === 1);
  stream.pause();
  let published = 0;
  await waitFor(async () => {
    publisher.publish(Array.from({ length: 20 }, () => event(++published, 200_000)));
    return (await fleet.metric(/guildhall_router_bus_dropped_total (\d+)/)) > 0;
  });
  stream.resume();
  await waitFor(() => dropped > 0);
  const numbers = got.flatMap(numberOf);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(numbers.length).toBeLessThan(published);
  stream.cancel();
  client.close();
});
