import { GetGuild, HandoffResult } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, orderMove, outcomeOf, passUntil, said, settled } from "./moving.ts";

const {
  HANDOFF_RESULT_DONE: done,
  HANDOFF_RESULT_TAKEN_BACK: takenBack,
  HANDOFF_RESULT_REFUSED: refused,
} = HandoffResult;

let fleet: Fleet;
let a: FleetHost;
let b: FleetHost;
let guild: TestGuild;

beforeEach(async () => {
  fleet = new Fleet();
  a = await fleet.start("guild-0");
  b = await fleet.start("guild-1", { range: null });
  guild = await makeGuild(fleet, a);
});

afterEach(() => {
  a[Symbol.dispose]();
  b[Symbol.dispose]();
});

const later = (ms: number) =>
  new Promise<undefined>((resolve) => fleet.time.timers.after(ms, () => resolve(undefined)));
const sealed = () => a.host?.sizes().sealed === 1;

/** Orders a move and says something once the shard is sealed; what became of both. */
async function moveAndSay(content: string) {
  const moveId = orderMove(fleet, a, b);
  await passUntil(fleet, sealed, 1);
  const answer = fleet.route(a, message(fleet, guild, content));
  const outcome = await outcomeOf(fleet, moveId);
  return { outcome, answer };
}

test("a receiver that dies before it has taken the shard loses it to its owner, who goes on at the next epoch", async () => {
  b.journalFaults = (method) => {
    if (method === "takeEpoch") b.kill();
    return method === "takeEpoch" ? new Promise(() => {}) : undefined;
  };
  const { outcome, answer } = await moveAndSay("held");
  expect(outcome).toMatchObject({ result: takenBack, reason: "the receiver has not answered in time" });
  expect(outcome.pauseMs).toBeGreaterThanOrEqual(60);
  expect((await settled(fleet, answer)).position?.epoch).toBe(2);
  expect([a.serves, said(fleet)]).toEqual([["0/1@2"], ["held"]]);
  expect(a.opened.at(-1)).toMatchObject({ epoch: 2, host: "guild-0" });
});

test("a receiver that dies when it has taken the shard has it, and is named; whoever is ordered takes it over", async () => {
  a.peerFaults = (method) => {
    if (method === "commit") void later(0).then(() => b.kill());
    return undefined;
  };
  b.journalFaults = async (method) => (method === "takeEpoch" ? "answer lost" : undefined);
  const moveId = orderMove(fleet, a, b);
  expect(await outcomeOf(fleet, moveId)).toMatchObject({ result: done });
  expect(await a.ask({ $case: "command", value: message(fleet, guild, "x") })).toMatchObject({
    value: { host: "guild-1", epoch: 2, address: b.address },
  });
  fleet.coordinator.order("guild-0", all, { fromIncarnation: b.incarnation });
  await passUntil(fleet, () => a.host?.serving);
  expect((await say(a, guild.owner, guild.channelId, "y")).position?.epoch).toBe(3);
});

test("a giver that dies sealed leaves the shard to the receiver, or to whoever is ordered", async () => {
  a.peerFaults = (method) => {
    if (method === "commit") a.kill();
    return undefined;
  };
  orderMove(fleet, a, b);
  await passUntil(fleet, () => b.host?.serving);
  expect((await say(b, guild.owner, guild.channelId, "x")).position?.epoch).toBe(2);
});

test("a receiver forgets what it was sent when nothing more comes", async () => {
  a.peerFaults = (method) => {
    if (method === "commit") a.kill();
    return method === "commit" ? new Promise(() => {}) : undefined;
  };
  orderMove(fleet, a, b);
  await passUntil(fleet, () => b.host?.sizes().coming === 1);
  await passUntil(fleet, () => b.host?.sizes().coming === 0, 1_000);
  fleet.coordinator.order("guild-1", all, { fromIncarnation: a.incarnation });
  await passUntil(fleet, () => b.host?.serving, 100);
  expect((await say(b, guild.owner, guild.channelId, "x")).position?.epoch).toBe(2);
});

test("when the receiver's answer is lost the giver asks the journal, and names the new owner", async () => {
  a.peerFaults = (method) => (method === "commit" ? "answer lost" : undefined);
  const { outcome, answer } = await moveAndSay("held");
  expect(outcome).toMatchObject({ result: done });
  expect((await settled(fleet, answer)).position?.epoch).toBe(2);
  expect([a.serves, b.serves]).toEqual([[], ["0/1@2"]]);
});

test("a receiver that comes after the shard was taken back is refused by the journal", async () => {
  b.journalFaults = (method) => (method === "takeEpoch" ? later(500) : undefined);
  const { outcome, answer } = await moveAndSay("held");
  expect(outcome).toMatchObject({ result: takenBack });
  await settled(fleet, answer);
  await fleet.time.advanceAsync(1_000);
  expect([a.serves, b.serves]).toEqual([["0/1@2"], []]);
  expect((await say(a, guild.owner, guild.channelId, "on")).position?.epoch).toBe(2);
  expect(await fleet.journal.readEpochs(all)).toHaveLength(2);
});

test("what was on its way too long is waited for no longer: nothing is asked, the epoch stays", async () => {
  const moveId = orderMove(fleet, a, b);
  a.peerFaults = async (method) => {
    // Under way when the shard is sealed.
    if (method === "begin") a.journalFaults = (called) => (called === "append" ? later(100) : undefined);
    if (method === "begin") void fleet.route(a, message(fleet, guild, "slow"));
    return undefined;
  };
  expect(await outcomeOf(fleet, moveId)).toMatchObject({ result: takenBack });
  expect([a.serves, b.serves]).toEqual([["0/1@1"], []]);
  await passUntil(fleet, () => said(fleet).includes("slow"));
});

test("while it is not known who has the shard it stays sealed, and nothing is answered", async () => {
  a.peerFaults = (method) => (method === "commit" ? "lost" : undefined);
  let asked = 0;
  a.journalFaults = (method) => (method === "takeEpoch" && asked++ < 5 ? "answer lost" : undefined);
  const moveId = orderMove(fleet, a, b);
  await passUntil(fleet, () => asked >= 3, 1);
  const value = GetGuild.fromPartial({ guildId: guild.id });
  let read: unknown;
  void a.read(guild.owner, { $case: "getGuild", value }).then((found) => {
    read = found;
  });
  const answer = fleet.route(a, message(fleet, guild, "held"));
  await fleet.time.advanceAsync(10);
  expect([read, said(fleet), sealed()]).toEqual([undefined, [], true]);
  expect(await outcomeOf(fleet, moveId)).toMatchObject({ result: takenBack });
  expect((await settled(fleet, answer)).position?.epoch).toBe(2);
  expect(read).toMatchObject({ name: "G" });
});

test("what waits for a sealed shard is bounded, and what is turned away was certainly not done", async () => {
  a[Symbol.dispose]();
  a = await fleet.start("guild-0", { limits: { waitingRequests: 2 } });
  b.journalFaults = (method) => (method === "takeEpoch" ? later(500) : undefined);
  orderMove(fleet, a, b);
  await passUntil(fleet, sealed, 1);
  const waiting = ["1", "2"].map((content) => fleet.route(a, message(fleet, guild, content)));
  await fleet.time.advanceAsync(0);
  expect(await codeOf(fleet.route(a, message(fleet, guild, "3")))).toBe("QUEUE_FULL");
  await settled(fleet, Promise.all(waiting));
  expect(said(fleet)).toEqual(["1", "2"]);
});

test("no shard is sealed while the journal is slow", async () => {
  a.journalFaults = (method) => (method === "append" ? later(30) : undefined);
  for (const content of ["slow", "slower"]) await settled(fleet, say(a, guild.owner, guild.channelId, content));
  const moveId = orderMove(fleet, a, b);
  expect(await passUntil(fleet, () => fleet.coordinator.outcomeOf(moveId), 100)).toMatchObject({
    result: refused,
    reason: "the journal is slow",
  });
  expect([a.serves, b.serves, a.host?.stats.heldUp]).toEqual([["0/1@1"], [], 0]);
});

test("a receiver that is not there, or serves the slots itself, is no reason for a pause", async () => {
  const nowhere = { name: "guild-7", address: "unix:/tmp/guild-7", incarnation: "x" } as FleetHost;
  expect(await outcomeOf(fleet, orderMove(fleet, a, nowhere))).toMatchObject({ result: refused });
  expect(await outcomeOf(fleet, orderMove(fleet, a, a))).toMatchObject({ result: refused });
  expect((await say(a, guild.owner, guild.channelId, "x")).position?.epoch).toBe(1);
});

test("an order that comes twice is carried out once", async () => {
  const moveId = orderMove(fleet, a, b);
  await outcomeOf(fleet, moveId);
  const back = orderMove(fleet, b, a);
  await outcomeOf(fleet, back);
  const { name: toHost, address: toAddress, incarnation: toIncarnation } = b;
  fleet.coordinator.order("guild-0", all, { kind: 3, moveId, toHost, toAddress, toIncarnation });
  await fleet.time.advanceAsync(3_000);
  expect([a.serves, b.serves]).toEqual([["0/1@3"], []]);
});
