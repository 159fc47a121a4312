import { type CommandResult, GetGuild, HandoffResult, OrderKind, Refill } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf, unwrap } from "./fleet.ts";
import { makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, orderMove, outcomeOf, passUntil, said, settled } from "./moving.ts";

const { HANDOFF_RESULT_DONE: done, HANDOFF_RESULT_TAKEN_BACK: takenBack } = HandoffResult;
const low = { i: 0, n: 2 };
const high = { i: 1, n: 2 };

let fleet: Fleet;
let a: FleetHost;
let b: FleetHost;
let guilds: readonly [TestGuild, TestGuild];

beforeEach(async () => {
  fleet = new Fleet();
  a = await fleet.start("guild-0");
  b = await fleet.start("guild-1", { range: null });
  guilds = [await makeGuild(fleet, a, fleet.guildIn(low)), await makeGuild(fleet, a, fleet.guildIn(high))];
});

afterEach(() => {
  a[Symbol.dispose]();
  b[Symbol.dispose]();
});

const orderSplit = (range = all) => fleet.coordinator.order(a.name, range, { kind: OrderKind.ORDER_KIND_SPLIT });
const later = (ms: number) =>
  new Promise<undefined>((resolve) => fleet.time.timers.after(ms, () => resolve(undefined)));
const getGuild = ({ id: guildId }: TestGuild) => ({
  $case: "getGuild" as const,
  value: GetGuild.fromPartial({ guildId }),
});

test("a split shard goes on as two, with all that it had in memory", async () => {
  const commands = guilds.map((guild) => message(fleet, guild, "before"));
  const firsts = await Promise.all(commands.map((command) => fleet.route(a, command)));
  const opened = a.host?.sizes();
  const { reads } = fleet.store;
  expect(await outcomeOf(fleet, orderSplit())).toMatchObject({ result: done });
  expect(a.serves).toEqual(["0/2@2", "1/2@2"]);
  expect(a.host?.shards.map(({ row }) => [row.range, row.split])).toEqual(Array(2).fill([all, true]));
  expect([a.host?.sizes(), fleet.store.reads]).toEqual([opened, reads]);
  // Request ids, the ring, and seqs.
  expect(await Promise.all(commands.map((command) => fleet.route(a, command)))).toEqual(firsts);
  for (const guild of guilds) {
    const value = Refill.fromPartial({ topic: guild.id, fromSeq: 1n, toSeq: 2n });
    expect(unwrap(await a.ask({ $case: "refill", value }), "refill").events).toHaveLength(2);
    expect((await say(a, guild.owner, guild.channelId, "after")).position?.epoch).toBe(2);
  }
  expect(a.opened.slice(-2)).toMatchObject([
    { i: 0, n: 2, epoch: 2 },
    { i: 1, n: 2, epoch: 2 },
  ]);
});

test("what is under way in a split is said once, and what the store lacks comes there from both halves", async () => {
  fleet.store.isDown = true;
  const moveId = orderSplit();
  const answers: Promise<CommandResult>[] = [];
  await passUntil(
    fleet,
    () => {
      for (const guild of guilds) answers.push(fleet.route(a, message(fleet, guild, `${guild.id}/${answers.length}`)));
      return fleet.coordinator.outcomeOf(moveId);
    },
    1,
  );
  const results = await settled(fleet, Promise.all(answers));
  expect(said(fleet)).toHaveLength(answers.length);
  expect(new Set(said(fleet)).size).toBe(answers.length);
  fleet.store.isDown = false;
  await passUntil(fleet, () => a.host?.shards.every(({ applier }) => applier.backlog === 0), 100);
  for (const [index, result] of results.entries()) {
    const { channelId } = guilds[index % 2] as TestGuild;
    expect(await fleet.store.loadMessages(channelId, [BigInt(String(jsonOf(result).id))])).toHaveLength(1);
  }
});

test("a guild that is being opened when its shard is split is opened in its half", async () => {
  const stranger = fleet.guildIn(low) + (2n << 22n);
  const { loadGuild } = fleet.store;
  fleet.store.loadGuild = async (topic) => {
    await later(50);
    return loadGuild.call(fleet.store, topic);
  };
  const made = makeGuild(fleet, a, stranger);
  await outcomeOf(fleet, orderSplit());
  const guild = await settled(fleet, made);
  expect(a.host?.shards.map(({ topics }) => topics.peek(guild.id)?.topic)).toEqual([stranger, undefined]);
  expect(await a.read(guild.owner, getGuild(guild))).toMatchObject({ name: "G" });
});

test("both halves of a split move, each by itself, and split again", async () => {
  await outcomeOf(fleet, orderSplit());
  expect(await outcomeOf(fleet, orderMove(fleet, a, b, high))).toMatchObject({ result: done });
  expect([a.serves, b.serves]).toEqual([["0/2@2"], ["1/2@3"]]);
  expect((await say(a, guilds[0].owner, guilds[0].channelId, "low")).position?.epoch).toBe(2);
  const answer = await a.ask({ $case: "command", value: message(fleet, guilds[1], "x") }, guilds[1].id);
  expect(answer).toMatchObject({ $case: "notOwner", value: { host: "guild-1", range: high, epoch: 3 } });
  expect((await fleet.route(a, message(fleet, guilds[1], "high"))).position?.epoch).toBe(3);
  expect(await outcomeOf(fleet, orderSplit(low))).toMatchObject({ result: done });
  expect(a.serves).toEqual(["0/4@3", "2/4@3"]);
  expect(await outcomeOf(fleet, orderMove(fleet, a, b, { i: 0, n: 4 }))).toMatchObject({ result: done });
  expect(await outcomeOf(fleet, orderMove(fleet, a, b, { i: 2, n: 4 }))).toMatchObject({ result: done });
  for (const guild of guilds) await fleet.route(b, message(fleet, guild, "end"));
  expect([a.serves, b.serves]).toEqual([[], ["0/4@4", "1/2@3", "2/4@4"]]);
});

test("a half that could not be moved goes on at an epoch of its own", async () => {
  await outcomeOf(fleet, orderSplit());
  b.journalFaults = (method) => (method === "takeEpoch" ? later(500) : undefined);
  expect(await outcomeOf(fleet, orderMove(fleet, a, b, low))).toMatchObject({ result: takenBack });
  expect(a.serves).toEqual(["0/2@3", "1/2@2"]);
  for (const guild of guilds) await say(a, guild.owner, guild.channelId, "on");
  await passUntil(fleet, () => fleet.store.watermark === BigInt(fleet.journal.records.length), 100);
});

test("a split whose answer is lost is asked for again, sealed until it is known, and done once", async () => {
  let asked = 0;
  a.journalFaults = (method) => (method === "takeEpoch" && asked++ < 3 ? "answer lost" : undefined);
  expect(await outcomeOf(fleet, orderSplit())).toMatchObject({ result: done });
  expect(asked).toBe(4);
  expect(a.serves).toEqual(["0/2@2", "1/2@2"]);
  expect(await fleet.journal.readEpochs(all)).toHaveLength(2);
});

test("a split by a host that has lost the shard makes it name the owner", async () => {
  fleet.journal.seize({ range: all, split: false, epoch: 2, host: "guild-9", incarnation: "other", moveId: "x" });
  await outcomeOf(fleet, orderSplit());
  expect(a.serves).toEqual([]);
  const answer = await a.ask({ $case: "command", value: message(fleet, guilds[0], "x") }, guilds[0].id);
  expect(answer).toMatchObject({ $case: "notOwner", value: { host: "guild-9", epoch: 2 } });
});

test("after a restart each half is taken over by itself", async () => {
  await outcomeOf(fleet, orderSplit());
  const first = await say(a, guilds[1].owner, guilds[1].channelId, "before");
  a[Symbol.dispose]();
  a = await fleet.start("guild-0", { range: high, from: a.incarnation });
  fleet.coordinator.order("guild-0", low, {});
  await passUntil(fleet, () => a.serves.length === 2, 100);
  expect(a.serves).toEqual(["0/2@3", "1/2@3"]);
  const second = await say(a, guilds[1].owner, guilds[1].channelId, "after");
  expect(second.position?.seq).toBe((first.position?.seq ?? 0n) + 1n);
});

test("a range that its own host is to take anew goes on at the next epoch, with all that it had", async () => {
  const command = message(fleet, guilds[0], "before");
  const first = await fleet.route(a, command);
  const opened = a.host?.sizes();
  const moveId = fleet.coordinator.order("guild-0", all, { fromIncarnation: a.incarnation });
  await passUntil(fleet, () => a.serves[0] === "0/1@2");
  expect(a.host?.sizes()).toEqual(opened);
  expect(a.host?.shards[0]?.row.moveId).toBe(moveId);
  expect(await fleet.route(a, command)).toEqual(first);
  expect((await fleet.route(a, message(fleet, guilds[0], "after"))).position?.epoch).toBe(2);
  await fleet.time.advanceAsync(3_000);
  expect(a.serves).toEqual(["0/1@2"]);
});
