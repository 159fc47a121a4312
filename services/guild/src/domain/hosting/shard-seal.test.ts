import { expect, test } from "@jest/globals";
import { makeHostStats } from "./host-stats.ts";
import { makeShardSeal } from "./shard-seal.ts";

function setUp() {
  const sealed = { count: 0 };
  const stats = makeHostStats();
  return { sealed, stats, seal: makeShardSeal({ maxRequests: 3, maxBytes: 100, sealed, stats }) };
}

test("whoever comes waits while it is closed, in order, and nobody while it is open", async () => {
  const { sealed, seal } = setUp();
  await seal.wait(1_000);
  expect([seal.isSealed, seal.whenOver(), sealed.count]).toEqual([false, undefined, 0]);
  seal.close();
  seal.close();
  const order: number[] = [];
  const waits = [1, 2].map((number) => seal.wait(10).then(() => order.push(number)));
  await Promise.resolve();
  expect([seal.isSealed, seal.waiting, order, sealed.count]).toEqual([true, 2, [], 1]);
  seal.lift();
  seal.lift();
  await Promise.all(waits);
  expect([seal.isSealed, seal.waiting, order, sealed.count]).toEqual([false, 0, [1, 2], 0]);
});

test("what waits is bounded in number and in bytes", async () => {
  const { seal, stats } = setUp();
  seal.close();
  const waits = [seal.wait(60)];
  await expect(seal.wait(41)).rejects.toMatchObject({ code: "QUEUE_FULL" });
  waits.push(seal.wait(20), seal.wait(20));
  await expect(seal.wait(0)).rejects.toMatchObject({ code: "QUEUE_FULL" });
  expect([stats.heldUp, stats.queueFull]).toEqual([3, 2]);
  seal.lift();
  await Promise.all(waits);
  seal.close();
  const again = seal.wait(100);
  seal.lift();
  await again;
});
