import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { TopicEvent } from "./event.ts";
import { maxWaitingEvents, TopicOrder } from "./topic-order.ts";

const encoded = new Uint8Array(0);

function event(seq: number): TopicEvent {
  return { topic: 1n, epoch: 1, seq, changes: [], userChanges: [], dispatches: [], traceparent: "", encoded };
}

function makeOrder() {
  const applied: (number | string)[] = [];
  const order = new TopicOrder({
    apply: ({ seq }) => applied.push(seq),
    applyEphemeral: ({ asOf }) => applied.push(`after ${asOf}`),
  });
  return { order, applied };
}

function upTo(seq: number): number[] {
  return Array.from({ length: seq }, (_, place) => place + 1);
}

test("whatever the order and however often, each event is applied once and in its turn", () => {
  const anySeqs = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 });
  fc.assert(
    fc.property(anySeqs, fc.nat({ max: 5 }), fc.nat({ max: 60 }), (seqs, from, startAt) => {
      const { order, applied } = makeOrder();
      seqs.forEach((seq, place) => {
        if (place === startAt) order.start(from);
        order.offer(event(seq));
      });
      if (!order.hasStarted) order.start(from);
      expect(applied).toEqual(upTo(applied.length).map((seq) => seq + from));
      // What refills bring ends every gap.
      for (let range = order.missing(); range !== undefined; range = order.missing()) {
        for (let seq = range.from; seq <= range.to; seq++) order.offer(event(seq));
      }
      expect(applied).toEqual(upTo(Math.max(0, ...seqs.map((seq) => seq - from))).map((seq) => seq + from));
    }),
  );
});

test("says which events are missing, also when only the head is known", () => {
  const { order } = makeOrder();
  order.start(3);
  expect(order.missing()).toBeUndefined();
  order.learnHead(9);
  expect(order.missing()).toEqual({ from: 4, to: 9 });
  order.offer(event(7));
  expect(order.missing()).toEqual({ from: 4, to: 6 });
  order.offer(event(4));
  expect(order.missing()).toEqual({ from: 5, to: 6 });
});

test("while it is held nothing is applied, and what waits for a seq is done before the next event", () => {
  const { order, applied } = makeOrder();
  order.start(0);
  order.hold();
  for (const seq of [1, 2, 3]) order.offer(event(seq));
  order.whenReached(2, () => applied.push("reached"));
  order.offerEphemeral({ topic: 1n, asOf: 0, dispatch: undefined as never, encoded });
  expect(applied).toEqual([]);
  order.release();
  expect(applied).toEqual([1, 2, "reached", 3, "after 0"]);
  order.whenReached(3, () => applied.push("at once"));
  expect(applied.at(-1)).toBe("at once");
});

test("ephemeral events wait for the seq they were made at", () => {
  const { order, applied } = makeOrder();
  order.start(0);
  order.offerEphemeral({ topic: 1n, asOf: 2, dispatch: undefined as never, encoded });
  order.offer(event(1));
  expect(applied).toEqual([1]);
  order.offer(event(2));
  expect(applied).toEqual([1, 2, "after 2"]);
});

test("what waits is bounded; what was dropped is missing later", () => {
  const { order, applied } = makeOrder();
  order.start(0);
  for (let seq = 2; seq < maxWaitingEvents + 100; seq++) order.offer(event(seq));
  order.offer(event(1));
  expect(applied).toHaveLength(maxWaitingEvents + 1);
  expect(order.missing()).toEqual({ from: maxWaitingEvents + 2, to: maxWaitingEvents + 99 });
});
