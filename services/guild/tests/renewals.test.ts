import { HandoffResult, OrderKind } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost } from "./fleet.ts";
import { makeGuild, say, type TestGuild } from "./guild.ts";
import { all, orderMove, outcomeOf, passUntil } from "./moving.ts";

let fleet: Fleet;
let a: FleetHost;
let guild: TestGuild;

beforeEach(async () => {
  fleet = new Fleet();
  a = await fleet.start("guild-0");
  guild = await makeGuild(fleet, a, fleet.guildIn({ i: 0, n: 2 }));
  await fleet.time.advanceAsync(2_000);
});

afterEach(() => a[Symbol.dispose]());

const renewal = () => fleet.coordinator.renewals.get("guild-0");

test("a renewal tells what each shard takes, as an average of the time since the last one", async () => {
  const other = await makeGuild(fleet, a, fleet.guildIn({ i: 1, n: 2 }));
  await fleet.time.advanceAsync(2_000);
  for (let count = 0; count < 10; count++) await say(a, guild.owner, guild.channelId, "x");
  for (let count = 0; count < 30; count++) await say(a, other.owner, other.channelId, "x");
  await fleet.time.advanceAsync(1_000);
  const [shard] = renewal()?.shards ?? [];
  expect([shard?.range, shard?.row?.epoch]).toEqual([all, 1]);
  expect(shard?.load).toMatchObject({
    ...{ openTopics: 2, commandsPerS: 40, cpuShare: 1, lowPart: 0.25 },
    ...{ busiestTopic: other.id, busiestPart: 0.75 },
  });
  expect(shard?.load?.bytesPerS).toBeGreaterThan(40 * 100);
  await fleet.time.advanceAsync(1_000);
  expect(renewal()?.shards[0]?.load).toMatchObject({ commandsPerS: 0, bytesPerS: 0, cpuShare: 0 });
});

test("the halves of a split are told of by the one EPOCH that both are owned by", async () => {
  await outcomeOf(fleet, fleet.coordinator.order("guild-0", all, { kind: OrderKind.ORDER_KIND_SPLIT }));
  await fleet.time.advanceAsync(1_000);
  const { owned, shards } = renewal() ?? { owned: [], shards: [] };
  expect(owned).toMatchObject([{ range: all, split: true, epoch: 2 }]);
  expect(shards.map(({ range, row }) => [range, row?.range, row?.split])).toEqual([
    [{ i: 0, n: 2 }, all, true],
    [{ i: 1, n: 2 }, all, true],
  ]);
});

test("an order comes at once, and what came of it is told until a renewal is answered", async () => {
  const b = await fleet.start("guild-1", { range: null });
  await fleet.time.advanceAsync(0);
  const sinceMs = fleet.time.clock.monotonicMs();
  const moveId = orderMove(fleet, a, b);
  const outcome = await passUntil(fleet, () => fleet.coordinator.outcomeOf(moveId), 1);
  expect(outcome).toMatchObject({ result: HandoffResult.HANDOFF_RESULT_DONE, range: all });
  // Long before the next renewal was due.
  expect([fleet.time.clock.monotonicMs() - sinceMs < 500, b.serves]).toEqual([true, ["0/1@2"]]);
  const back = orderMove(fleet, b, a);
  b.reachable = false;
  await passUntil(fleet, () => a.serves[0] === "0/1@3");
  await fleet.time.advanceAsync(3_000);
  expect(fleet.coordinator.outcomeOf(back)).toBeUndefined();
  b.reachable = true;
  expect(await outcomeOf(fleet, back)).toMatchObject({ result: HandoffResult.HANDOFF_RESULT_DONE });
  await fleet.time.advanceAsync(1_000);
  expect(fleet.coordinator.renewals.get("guild-1")?.outcomes).toEqual([]);
  b[Symbol.dispose]();
});

test("a host that the coordinator has known for a while, and given nothing, is ready", async () => {
  const b = await fleet.start("guild-1", { range: null });
  await fleet.time.advanceAsync(1_000);
  expect([a.host?.ready, b.host?.ready]).toEqual([true, false]);
  await fleet.time.advanceAsync(5_000);
  expect(b.host?.ready).toBe(true);
  b[Symbol.dispose]();
});
