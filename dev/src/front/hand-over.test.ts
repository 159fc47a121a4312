import type { FrontMessage } from "@guildhall/lifecycle";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { HandOver, type HandOverLimits } from "./hand-over.ts";

/** A process in whose place the test answers. */
class TestTaker {
  readonly name: string;
  readonly got: string[] = [];
  readonly unanswered: number[] = [];
  isHung: boolean;
  pings = 0;
  isClosed = false;
  /** Gets what is given, in place of the process. */
  lose: ((socket: string) => void) | undefined;
  readonly #answer: (n: number) => void;

  constructor(name: string, handOver: HandOver<string>, isHung = false) {
    this.name = name;
    this.isHung = isHung;
    this.#answer = (n) => handOver.heard(name, { front: "here", n });
    handOver.add({ name, send: (...message) => this.#take(...message) });
  }

  goOn(): void {
    this.isHung = false;
    for (const n of this.unanswered.splice(0)) this.#answer(n);
  }

  #take({ front, n }: FrontMessage, socket?: string): void {
    if (front === "closed") {
      this.isClosed = true;
      return;
    }
    if (socket !== undefined && this.lose !== undefined) {
      this.lose(socket);
      return;
    }
    if (socket === undefined) this.pings++;
    else this.got.push(socket);
    if (this.isHung) this.unanswered.push(n);
    else queueMicrotask(() => this.#answer(n));
  }
}

function setUp(names: readonly string[], limits?: HandOverLimits) {
  const time = makeManualTime();
  const dropped: string[] = [];
  const handOver = new HandOver<string>(
    { nowMs: () => time.clock.monotonicMs(), timers: time.timers, drop: (socket) => dropped.push(socket) },
    limits,
  );
  const takers = names.map((name) => new TestTaker(name, handOver));
  return { time, handOver, dropped, takers: takers as [TestTaker, ...TestTaker[]] };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test("hands out in turn, also when long nothing came", async () => {
  const { handOver, takers, time } = setUp(["a", "b", "c"]);
  for (let at = 0; at < 9; at++) {
    handOver.offer(`s${at}`);
    await settle();
    if (at % 2 === 0) time.advance(1_000);
  }
  expect(takers.map(({ got }) => got.length)).toEqual([3, 3, 3]);
  expect(handOver.counts).toMatchObject({ waiting: 0, givenUp: 0 });
});

test("asks nobody anything while nothing comes, and leaves no timer behind", async () => {
  const { handOver, takers, time } = setUp(["a", "b"]);
  handOver.offer("s");
  await settle();
  time.advance(60_000);
  expect(takers.map(({ pings }) => pings)).toEqual([1, 1]);
  expect(time.pending()).toBe(0);
});

test("passes over one that hangs, which keeps at most what it was given before that showed", async () => {
  const { handOver, takers, time } = setUp(["a", "b"]);
  const [a, b] = takers as [TestTaker, TestTaker];
  handOver.offer("s0");
  handOver.offer("s1");
  await settle();
  expect([a.got.length, b.got.length]).toEqual([1, 1]);
  a.isHung = true;
  handOver.offer("s2");
  handOver.offer("s3");
  expect(a.got).toHaveLength(2);
  for (let step = 0; step < 10; step++) {
    handOver.offer(`late${step}`);
    await settle();
    time.advance(500);
    await settle();
  }
  expect([a.got.length, b.got.length]).toEqual([2, 12]);
  // The one, and one question.
  expect(a.unanswered).toHaveLength(2);
  a.goOn();
  for (const socket of ["e0", "e1"]) {
    handOver.offer(socket);
    await settle();
  }
  expect([a.got.length, b.got.length]).toEqual([3, 13]);
});

test("what did not arrive is given to somebody else", async () => {
  const { handOver, takers, time, dropped } = setUp(["a"]);
  const [a] = takers;
  handOver.offer("s0");
  await settle();
  a.isHung = true;
  handOver.offer("lost");
  handOver.offer("waits");
  time.advance(200);
  // It answers the question alone.
  a.unanswered.shift();
  a.goOn();
  await settle();
  expect(a.got).toEqual(["s0", "lost", "lost", "waits"]);
  expect(dropped).toEqual(["s0", "lost", "waits"]);
});

test("what did not arrive is noticed also when nobody comes after it", async () => {
  const { handOver, takers, time } = setUp(["a", "b"]);
  const [a] = takers;
  handOver.offer("first");
  await settle();
  const lost: string[] = [];
  a.lose = (socket) => lost.push(socket);
  handOver.offer("second");
  handOver.offer("third");
  await settle();
  expect(lost).toHaveLength(1);
  a.lose = undefined;
  time.advance(100);
  await settle();
  expect(takers.flatMap(({ got }) => got).sort()).toEqual(["first", "second", "third"]);
  expect(time.pending()).toBe(0);
});

test("one that hangs with what it was given is asked once, and keeps it", async () => {
  const { handOver, takers, time } = setUp(["a"]);
  const [a] = takers;
  handOver.offer("first");
  await settle();
  const { pings } = a;
  a.isHung = true;
  handOver.offer("second");
  time.advance(60_000);
  expect([a.got, a.pings - pings]).toEqual([["first", "second"], 1]);
  expect(time.pending()).toBe(0);
  a.goOn();
  expect(handOver.counts.handed.get("a")).toBe(2);
});

test("takes back what a process had not taken when it ended", async () => {
  const { handOver, takers } = setUp(["a", "b"]);
  const [a, b] = takers as [TestTaker, TestTaker];
  handOver.offer("s0");
  handOver.offer("s1");
  await settle();
  a.isHung = true;
  b.isHung = true;
  handOver.offer("s2");
  handOver.offer("s3");
  handOver.offer("s4");
  handOver.remove("b");
  const left = b.got.at(-1) as string;
  handOver.ended("b");
  a.goOn();
  await settle();
  expect(a.got.slice(-2)).toEqual([left, "s4"]);
});

test("lets connections wait while nobody is there, in order, and gives up those that wait too long", async () => {
  const { handOver, dropped, time } = setUp([], { waiting: 3, waitMs: 10_000 });
  handOver.offer("old");
  time.advance(6_000);
  for (const socket of ["young", "younger", "too many"]) handOver.offer(socket);
  expect(dropped).toEqual(["too many"]);
  time.advance(5_000);
  expect(dropped).toEqual(["too many", "old"]);
  const taker = new TestTaker("late", handOver);
  await settle();
  expect(taker.got).toEqual(["young", "younger"]);
  expect(handOver.counts).toMatchObject({ waiting: 0, givenUp: 2 });
  expect(handOver.counts.handed.get("late")).toBe(2);
});

test("gives nothing to one that drains or has ended, and all to its successor", async () => {
  const { handOver, takers } = setUp(["a", "b"]);
  const [a, b] = takers as [TestTaker, TestTaker];
  handOver.heard("a", { front: "draining" });
  for (const socket of ["s0", "s1", "s2"]) handOver.offer(socket);
  await settle();
  expect([a.got, b.got.length]).toEqual([[], 3]);
  handOver.ended("b");
  handOver.offer("waits");
  await settle();
  expect(b.got).toHaveLength(3);
  const successor = new TestTaker("b", handOver);
  await settle();
  expect(successor.got).toEqual(["waits"]);
});

test("an answer to what an earlier process was asked says nothing of its successor", async () => {
  const { handOver, takers } = setUp(["a"]);
  takers[0].isHung = true;
  handOver.offer("waits");
  const successor = new TestTaker("a", handOver, true);
  handOver.heard("a", { front: "here", n: 7 });
  await settle();
  expect(successor.got).toEqual([]);
});

test("in the end gives up what waits and tells everybody, also who drains", () => {
  const { handOver, takers, dropped, time } = setUp(["a", "b"]);
  for (const taker of takers) taker.isHung = true;
  handOver.offer("waits");
  handOver.heard("a", { front: "draining" });
  handOver.close();
  handOver.offer("late");
  expect(dropped).toEqual(["waits", "late"]);
  expect(takers.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  expect(new TestTaker("c", handOver).isClosed).toBe(true);
  expect(time.pending()).toBe(0);
});
