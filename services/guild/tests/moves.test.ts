import { type CommandResult, GetGuild, HandoffResult, Heads, Refill } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf, unwrap } from "./fleet.ts";
import { makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, orderMove, outcomeOf, passUntil, said, settled } from "./moving.ts";

const done = HandoffResult.HANDOFF_RESULT_DONE;

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

async function move(from = a, to = b): Promise<HandoffResult> {
  return (await outcomeOf(fleet, orderMove(fleet, from, to))).result;
}

test("a moved shard is served by its new owner as it was, and the old one names it", async () => {
  const first = await say(a, guild.owner, guild.channelId, "before");
  expect(await move()).toBe(done);
  expect([a.serves, b.serves]).toEqual([[], ["0/1@2"]]);
  const answer = await a.ask({ $case: "command", value: message(fleet, guild, "x") });
  expect(answer).toMatchObject({
    $case: "notOwner",
    value: { epoch: 2, host: "guild-1", address: b.address, range: all, incarnation: b.incarnation },
  });
  const value = GetGuild.fromPartial({ guildId: guild.id });
  expect(await b.read(guild.owner, { $case: "getGuild", value })).toMatchObject({ name: "G" });
  const second = await say(b, guild.owner, guild.channelId, "after");
  expect(second.position).toMatchObject({ epoch: 2, seq: (first.position?.seq ?? 0n) + 1n });
  expect(b.opened).toMatchObject([{ i: 0, n: 1, epoch: 2, host: "guild-1" }]);
});

test("a moved guild needs no opening: the new owner has read it before", async () => {
  await move();
  const { reads } = fleet.store;
  expect(b.host?.sizes().topics).toBe(1);
  const heads = unwrap(await b.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) }), "heads");
  expect(heads.heads).toMatchObject([{ seq: BigInt(fleet.journal.records.length) }]);
  expect(fleet.store.reads).toBe(reads);
});

test("what is said during a move is said once, in order, and everybody is answered", async () => {
  const moveId = orderMove(fleet, a, b);
  const answers: Promise<CommandResult>[] = [];
  const contents: string[] = [];
  await passUntil(
    fleet,
    () => {
      contents.push(`m${contents.length}`);
      answers.push(fleet.route(a, message(fleet, guild, contents.at(-1) ?? "")));
      return fleet.coordinator.outcomeOf(moveId);
    },
    1,
  );
  const results = await settled(fleet, Promise.all(answers));
  expect(said(fleet)).toEqual(contents);
  expect(results.map(({ position }) => position?.seq)).toEqual(
    results.map((_, index) => (results[0]?.position?.seq ?? 0n) + BigInt(index)),
  );
  expect(fleet.coordinator.outcomeOf(moveId)).toMatchObject({ result: done });
  const shown = [...a.events(), ...b.events()].map(({ seq }) => seq);
  expect(shown).toEqual(fleet.journal.records.map(({ seq }) => seq));
});

test("a request that was answered before a move has the same answer after it, and is not done again", async () => {
  const command = message(fleet, guild, "once");
  const first = await fleet.route(a, command);
  // Stored when the receiver has read the request ids already.
  const late = message(fleet, guild, "late");
  let lateAnswer: CommandResult | undefined;
  fleet.store.isDown = true;
  await say(a, guild.owner, guild.channelId, "makes the receiver read the journal");
  b.journalFaults = async (method) => {
    if (method === "readTopic") lateAnswer ??= await fleet.route(a, late);
    return undefined;
  };
  expect(await move()).toBe(done);
  expect(await fleet.route(b, command)).toEqual(first);
  expect(await fleet.route(b, late)).toEqual(lateAnswer);
  expect(said(fleet).filter((content) => content === "once" || content === "late")).toHaveLength(2);
});

test("what the store lacks comes to the new owner, who brings it there", async () => {
  fleet.store.isDown = true;
  const { json } = await say(a, guild.owner, guild.channelId, "not stored");
  await move();
  const messageId = BigInt(String(jsonOf({ json } as CommandResult).id));
  fleet.store.isDown = false;
  await passUntil(fleet, () => fleet.store.watermark === BigInt(fleet.journal.records.length), 100);
  expect(await fleet.store.loadMessages(guild.channelId, [messageId])).toHaveLength(1);
});

test("events from before a move are refilled by the new owner", async () => {
  await move();
  const value = Refill.fromPartial({ topic: guild.id, fromSeq: 1n, toSeq: 2n });
  const { events } = unwrap(await b.ask({ $case: "refill", value }), "refill");
  expect(events).toEqual(fleet.journal.records.slice(0, 2).map(({ event }) => event));
});

test("a shard moves back and forth", async () => {
  const requestId = fleet.requestId();
  const first = await say(a, guild.owner, guild.channelId, "1", {}, { requestId });
  expect(await move(a, b)).toBe(done);
  await say(b, guild.owner, guild.channelId, "2");
  expect(await move(b, a)).toBe(done);
  await say(a, guild.owner, guild.channelId, "3");
  expect(await say(a, guild.owner, guild.channelId, "1", {}, { requestId })).toEqual(first);
  expect(said(fleet)).toEqual(["1", "2", "3"]);
  expect([a.serves, b.serves]).toEqual([["0/1@3"], []]);
});
