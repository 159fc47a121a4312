import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { Pacer } from "./pacer.ts";

function makePacer({ unitsPerTurn = 10, msPerTurn = 5 } = {}) {
  const { clock, timers, advance } = makeManualTime();
  const nowMs = () => clock.monotonicMs();
  const pacer = new Pacer({ unitsPerTurn, msPerTurn, nowMs, soon: (act) => void timers.after(1, act) });
  return { pacer, advance };
}

test("work is done at once while there is room, then in turns, in order", async () => {
  const { pacer, advance } = makePacer();
  const done: number[] = [];
  const work = Array.from({ length: 7 }, (_, place) =>
    pacer.run(() => {
      pacer.spend(5);
      return done.push(place);
    }),
  );
  expect(done).toEqual([0, 1]);
  advance(1);
  expect(done).toEqual([0, 1, 2, 3]);
  advance(2);
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await Promise.all(work)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("a turn ends when its time is over, but something is done in each", () => {
  const { pacer, advance } = makePacer({ msPerTurn: 0 });
  let done = 0;
  for (let place = 0; place < 3; place++) void pacer.run(() => done++);
  expect(done).toBe(0);
  for (const turn of [1, 2, 3]) {
    advance(1);
    expect(done).toBe(turn);
  }
});

test("what work throws is its own matter", async () => {
  const { pacer } = makePacer();
  await expect(
    pacer.run(() => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(await pacer.run(() => 1)).toBe(1);
});
