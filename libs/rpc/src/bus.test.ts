import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  type BusItem,
  type Opened,
  type RouterServicePublishRequest,
  type RouterServicePublishResponse,
  RouterServiceService,
  type RouterServiceSubscribeRequest,
  type RouterServiceSubscribeResponse,
} from "@guildhall/proto";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createRpcServer, makePublisher, makeSubscriber, type RpcServer, type SubscriberOptions } from "./index.ts";

type PublishCall = ServerDuplexStream<RouterServicePublishRequest, RouterServicePublishResponse>;
type SubscribeCall = ServerDuplexStream<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>;

let stack: AsyncDisposableStack;
let folder: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  folder = stack.use(makeTempDir()).path;
});
afterEach(() => stack.disposeAsync());

const addressOf = (name: string) => `unix:${folder}/${name}.sock`;

/** A router that keeps what it was sent and confirms subscriptions when told to. */
interface Router extends AsyncDisposable {
  readonly published: RouterServicePublishRequest[];
  readonly subscribed: RouterServiceSubscribeRequest[];
  readonly streams: SubscribeCall[];
}

async function startRouter(name: string, confirms = true): Promise<Router> {
  const published: RouterServicePublishRequest[] = [];
  const subscribed: RouterServiceSubscribeRequest[] = [];
  const streams: SubscribeCall[] = [];
  const server: RpcServer = stack.use(
    await createRpcServer({
      address: addressOf(name),
      services: [
        [
          RouterServiceService,
          {
            exchange: () => {},
            publish(call: PublishCall) {
              call.on("data", (message: RouterServicePublishRequest) => published.push(message));
              call.on("end", () => call.end());
            },
            subscribe(call: SubscribeCall) {
              streams.push(call);
              call.on("data", (message: RouterServiceSubscribeRequest) => {
                subscribed.push(message);
                if (confirms) call.write({ items: message.subscribe.map(confirmation), dropped: 0n });
              });
            },
          },
        ],
      ],
    }),
  );
  return { published, subscribed, streams, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function confirmation({ topic, subscription }: { topic: bigint; subscription: bigint }): BusItem {
  return { topic, of: { $case: "subscribed", value: { subscription } }, source: "" };
}

function item(topic: bigint): BusItem {
  return { topic, of: { $case: "event", value: Buffer.of(1) }, source: "" };
}

const opened = (i: number, epoch: number): Opened => ({
  i,
  n: 2,
  epoch,
  host: "guild-0",
  address: "",
  incarnation: "a",
});
const topicsOf = (router: Router) => router.published.flatMap(({ items }) => items.map(({ topic }) => topic));

function subscribe(addresses: readonly string[], more: Partial<SubscriberOptions> = {}) {
  const events: string[] = [];
  const subscriber = makeSubscriber({
    addresses,
    subscriber: "gateway-0/1",
    onItems(items) {
      for (const { of, topic } of items) events.push(`${of?.$case} ${topic}`);
    },
    onLost: () => events.push("lost"),
    ...more,
  });
  return { events, subscriber: stack.use(subscriber) };
}

test("a publisher says who it is and what it opened, then sends every router every item in order", async () => {
  const routers = [await startRouter("r0"), await startRouter("r1")];
  const publisher = stack.use(makePublisher({ addresses: [addressOf("r0"), addressOf("r1")], source: "guild-0/1" }));
  publisher.opened([opened(0, 3)]);
  for (let topic = 1n; topic <= 50n; topic += 1n) publisher.publish([item(topic)]);
  for (const router of routers) {
    await waitFor(() => topicsOf(router).length === 50);
    expect(topicsOf(router)).toEqual(Array.from({ length: 50 }, (_, index) => BigInt(index + 1)));
    expect(router.published[0]).toEqual({ source: "guild-0/1", opened: [opened(0, 3)], items: [] });
    expect(router.published[1]?.items[0]?.source).toBe("guild-0/1");
  }
});

test("to a router that comes back it says again what it opened, and what waited, oldest dropped", async () => {
  const first = await startRouter("r0");
  const publisher = stack.use(makePublisher({ addresses: [addressOf("r0")], source: "guild-0/1", maxQueued: 10 }));
  await waitFor(() => publisher.connected);
  publisher.opened([opened(0, 3), opened(1, 1)]);
  await waitFor(() => first.published.some((message) => message.opened.length === 2));
  await first[Symbol.asyncDispose]();
  await waitFor(() => !publisher.connected);
  publisher.opened([opened(0, 4)]);
  for (let topic = 1n; topic <= 30n; topic += 1n) publisher.publish([item(topic)]);
  const second = await startRouter("r0");
  await waitFor(() => topicsOf(second).at(-1) === 30n);
  const topics = topicsOf(second);
  expect(topics.length).toBeLessThanOrEqual(10);
  expect(topics).toEqual(topics.toSorted((a, b) => Number(a - b)));
  expect(second.published[0]?.opened).toEqual([opened(0, 4), opened(1, 1)]);
});

test("what was published is sent before a publisher closes", async () => {
  const router = await startRouter("r0");
  const publisher = makePublisher({ addresses: [addressOf("r0")], source: "guild-0/1" });
  await waitFor(() => publisher.connected);
  publisher.publish([item(1n), item(2n)]);
  await publisher[Symbol.asyncDispose]();
  await waitFor(() => topicsOf(router).length === 2);
});

test("a subscription holds when it is confirmed, and items come in order", async () => {
  const router = await startRouter("r0");
  const { events, subscriber } = subscribe([addressOf("r0")]);
  await subscriber.subscribe(7n);
  await subscriber.subscribe(7n);
  router.streams[0]?.write({ items: [item(7n), item(8n)], dropped: 0n });
  await waitFor(() => events.length === 3);
  expect(events).toEqual(["subscribed 7", "event 7", "event 8"]);
  expect(router.subscribed[0]?.subscriber).toBe("gateway-0/1");
  subscriber.unsubscribe(7n);
  await waitFor(() => router.subscribed.some(({ unsubscribe }) => unsubscribe.includes(7n)));
});

test("a topic left and followed again in one turn is followed", async () => {
  const router = await startRouter("r0");
  const { subscriber } = subscribe([addressOf("r0")]);
  await subscriber.subscribe(7n);
  subscriber.unsubscribe(7n);
  await subscriber.subscribe(7n);
  const changes = router.subscribed.flatMap(({ subscribe: topics, unsubscribe }) => [
    ...unsubscribe.map((topic) => `-${topic}`),
    ...topics.map(({ topic }) => `+${topic}`),
  ]);
  expect(changes).toEqual(["+7", "-7", "+7"]);
});

test("it is told of a loss once every topic is confirmed anew, elsewhere if need be", async () => {
  const first = await startRouter("r0");
  await startRouter("r1");
  const { events, subscriber } = subscribe([addressOf("r0"), addressOf("r1")]);
  await Promise.all([subscriber.subscribe(1n), subscriber.subscribe(2n)]);
  events.length = 0;
  await first[Symbol.asyncDispose]();
  await waitFor(() => events.includes("lost"));
  expect(events).toEqual(["subscribed 1", "subscribed 2", "lost"]);
});

test("it is told of items that the router dropped", async () => {
  const router = await startRouter("r0");
  const { events, subscriber } = subscribe([addressOf("r0")]);
  await subscriber.subscribe(1n);
  router.streams[0]?.write({ items: [item(1n)], dropped: 3n });
  router.streams[0]?.write({ items: [item(1n)], dropped: 3n });
  await waitFor(() => events.length === 4);
  expect(events).toEqual(["subscribed 1", "event 1", "lost", "event 1"]);
});

test("a subscription that nobody confirms fails in time, and one given up is cancelled", async () => {
  await startRouter("r0", false);
  const { subscriber } = subscribe([addressOf("r0")], { timeoutMs: 50 });
  await expect(subscriber.subscribe(1n)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const given = subscriber.subscribe(2n);
  subscriber.unsubscribe(2n);
  await expect(given).rejects.toMatchObject({ code: "CANCELLED" });
});

test("a subscription asked for while no router is up is confirmed when one comes", async () => {
  const { subscriber } = subscribe([addressOf("r0")]);
  const asked = subscriber.subscribe(1n);
  await startRouter("r0");
  await asked;
});
