import type { BusItem } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { type BusLimits, makeBus } from "./bus.ts";

const event = (topic: bigint, text: string): BusItem => ({
  topic,
  of: { $case: "event", value: Buffer.from(text) },
  source: "guild-0/1",
});
const beat = (number: bigint): BusItem => ({
  topic: 0n,
  of: { $case: "beat", value: { source: "guild-0/1", number, heads: [] } },
  source: "guild-0/1",
});

function start(outbox = { items: 100, bytes: 10_000 }, limits: Partial<BusLimits> = {}) {
  const due: (() => void)[] = [];
  const dropped = { count: 0 };
  const bus = makeBus({
    schedule: (run) => due.push(run),
    onDropped: () => {
      dropped.count += 1;
    },
    limits: { subscribers: 10, topicsPerSubscriber: 10, ...limits, outbox },
  });
  const turn = (): void => {
    for (const run of due.splice(0)) run();
  };
  const open = () => {
    const messages: { items: string[]; dropped: number }[] = [];
    const state = { writable: true };
    const subscriber = bus.open({
      write: (batch) => {
        messages.push({ items: batch.items.map(show), dropped: batch.dropped });
        return state.writable;
      },
    });
    return { subscriber, messages, state };
  };
  return { bus, turn, open, dropped };
}

function show({ topic, of }: BusItem): string {
  if (of?.$case === "event") return `${topic} ${of.value.toString()}`;
  if (of?.$case === "subscribed") return `${topic} subscribed ${of.value.subscription}`;
  return of?.$case === "beat" ? `beat ${of.value.number}` : "?";
}

test("a topic's items go to its subscribers from the confirmation on, in order, in one message a turn", () => {
  const { bus, turn, open } = start();
  const [a, b] = [open(), open()];
  bus.publish(event(1n, "before"));
  a.subscriber.subscribe({ topic: 1n, subscription: 5n });
  b.subscriber.subscribe({ topic: 2n, subscription: 6n });
  for (const text of ["x", "y"]) bus.publish(event(1n, text));
  bus.publish(event(2n, "z"));
  turn();
  bus.publish(event(1n, "later"));
  turn();
  expect(a.messages).toEqual([
    { items: ["1 subscribed 5", "1 x", "1 y"], dropped: 0 },
    { items: ["1 later"], dropped: 0 },
  ]);
  expect(b.messages).toEqual([{ items: ["2 subscribed 6", "2 z"], dropped: 0 }]);
});

test("beats go to every subscriber, whatever it follows", () => {
  const { bus, turn, open } = start();
  const [a, b] = [open(), open()];
  a.subscriber.subscribe({ topic: 1n, subscription: 1n });
  bus.publish(beat(1n));
  turn();
  expect([a.messages.flatMap(({ items }) => items), b.messages.flatMap(({ items }) => items)]).toEqual([
    ["1 subscribed 1", "beat 1"],
    ["beat 1"],
  ]);
});

test("after unsubscribing, or leaving, nothing comes", () => {
  const { bus, turn, open } = start();
  const { subscriber, messages } = open();
  for (const topic of [1n, 2n]) subscriber.subscribe({ topic, subscription: topic });
  subscriber.unsubscribe(1n);
  turn();
  bus.publish(event(1n, "x"));
  turn();
  subscriber[Symbol.dispose]();
  bus.publish(event(2n, "x"));
  bus.publish(beat(1n));
  turn();
  expect(messages).toHaveLength(1);
  expect(bus.counts()).toEqual({ subscribers: 0, topics: 0, queued: 0 });
});

test("a subscriber that is too slow loses the newest items, is told how many so far, and keeps the order", () => {
  const { bus, turn, open, dropped } = start({ items: 3, bytes: 10_000 });
  const { subscriber, messages, state } = open();
  subscriber.subscribe({ topic: 1n, subscription: 1n });
  state.writable = false;
  turn();
  for (let n = 1; n <= 5; n++) bus.publish(event(1n, `${n}`));
  // The answer to a request of its own is never lost.
  subscriber.subscribe({ topic: 2n, subscription: 2n });
  turn();
  expect(messages).toHaveLength(1);
  state.writable = true;
  subscriber.drained();
  turn();
  bus.publish(event(1n, "6"));
  turn();
  expect(messages.slice(1)).toEqual([
    { items: ["1 1", "1 2", "1 3", "2 subscribed 2"], dropped: 2 },
    { items: ["1 6"], dropped: 2 },
  ]);
  expect(dropped.count).toBe(2);
});

test("what a subscriber holds is bounded in bytes, too, and one slow one does not hold up others", () => {
  const { bus, turn, open } = start({ items: 1_000, bytes: 1_000 });
  const [slow, quick] = [open(), open()];
  for (const { subscriber } of [slow, quick]) subscriber.subscribe({ topic: 1n, subscription: 1n });
  slow.state.writable = false;
  turn();
  for (let n = 0; n < 4; n++) {
    bus.publish(event(1n, "x".repeat(400)));
    turn();
  }
  expect(quick.messages.flatMap(({ items }) => items)).toHaveLength(5);
  expect(bus.counts().queued).toBe(2);
});

test("cuts what has piled up into messages of about a megabyte", () => {
  const { bus, turn, open } = start({ items: 100, bytes: 100 << 20 });
  const { subscriber, messages } = open();
  subscriber.subscribe({ topic: 1n, subscription: 1n });
  for (let n = 0; n < 5; n++) bus.publish(event(1n, "x".repeat(600_000)));
  turn();
  expect(messages.map(({ items }) => items.length)).toEqual([3, 2, 1]);
});

test("refuses more subscribers, and more topics of one, than it may hold", () => {
  const { open } = start(undefined, { subscribers: 1, topicsPerSubscriber: 1 });
  const { subscriber } = open();
  subscriber.subscribe({ topic: 1n, subscription: 1n });
  expect(() => subscriber.subscribe({ topic: 2n, subscription: 2n })).toThrow("too many topics");
  expect(() => open()).toThrow("too many subscribers");
});
