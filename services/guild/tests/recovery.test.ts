import { CommandResult, CreateMessage, GetGuild, Heads, Refill } from "@guildhall/proto";
import { waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf, unwrap } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";
import type { Trouble } from "./memory-journal.ts";

let fleet: Fleet;
let on: FleetHost;
let guild: TestGuild;

beforeEach(async () => {
  fleet = new Fleet();
  on = await fleet.start("guild-0");
  guild = await makeGuild(fleet, on);
});

afterEach(() => on[Symbol.dispose]());

/** Each of these befalls one append, in order; then all goes well. */
function troubles(...list: Trouble[]): void {
  fleet.journal.trouble = () => list.shift();
}

/** Lets time pass until a promise has settled. */
async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let outcome: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([promise]).then(([result]) => {
    outcome = result;
  });
  return waitFor(async () => {
    await fleet.time.advanceAsync(100);
    return outcome;
  });
}

/** The content of a message that was answered. */
function contentOf(result: CommandResult): string[] {
  const { content } = result.json.length > 0 ? jsonOf(result) : {};
  return typeof content === "string" ? [content] : [];
}

const seize = (epoch: number) =>
  fleet.journal.seize({
    range: { i: 0, n: 1 },
    split: false,
    epoch,
    host: "guild-9",
    incarnation: "other",
    moveId: "x",
  });

test("an append whose answer was lost is settled by resending, and is not doubled", async () => {
  const before = fleet.journal.records.length;
  troubles("after", "after");
  const outcome = await settled(say(on, guild.owner, guild.channelId, "once"));
  expect(outcome.status).toBe("fulfilled");
  expect(fleet.journal.records.length).toBe(before + 1);
  expect(on.events().filter(({ seq }) => seq === fleet.journal.records.at(-1)?.seq).length).toBe(1);
});

test("what was sent meanwhile waits, and keeps its order", async () => {
  troubles("before", "after");
  const { owner, channelId } = guild;
  const first = say(on, owner, channelId, "1");
  await fleet.time.advanceAsync(0);
  const second = say(on, owner, channelId, "2");
  const [a, b] = [await settled(first), await settled(second)];
  expect([a.status, b.status]).toEqual(["fulfilled", "fulfilled"]);
  const seqs = on.events().map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => BigInt(index + 1)));
});

test("nothing is acked or published while the journal refuses, and what it certainly lacks is answered 503", async () => {
  const published = on.events().length;
  const stored = fleet.journal.records.length;
  fleet.journal.trouble = () => "before";
  const outcome = await settled(say(on, guild.owner, guild.channelId, "lost"));
  expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
  expect(on.events().length).toBe(published);
  fleet.journal.trouble = () => undefined;
  await fleet.time.advanceAsync(1_000);
  expect((await say(on, guild.owner, guild.channelId, "works again")).position?.seq).toBe(BigInt(stored + 1));
});

test("while the journal refuses, reading goes on and one command a second tries", async () => {
  const value = GetGuild.fromPartial({ guildId: guild.id });
  fleet.journal.trouble = () => "before";
  await settled(say(on, guild.owner, guild.channelId, "lost"));
  const appends = on.host?.stats.appends ?? 0;
  const tried = [
    await settled(say(on, guild.owner, guild.channelId, "1")),
    await settled(say(on, guild.owner, guild.channelId, "2")),
  ];
  expect(tried).toEqual(
    Array(2).fill({
      status: "rejected",
      reason: expect.objectContaining({ code: expect.stringMatching(/UNAVAILABLE$/) }),
    }),
  );
  expect((on.host?.stats.appends ?? 0) - appends).toBeLessThanOrEqual(2);
  expect(await on.read(guild.owner, { $case: "getGuild", value })).toMatchObject({ name: "G" });
});

test("an outcome that stays unknown is answered 504; a resend of it finds what became of it", async () => {
  const requestId = fleet.requestId();
  const before = fleet.journal.records.length;
  // Stored at the first attempt, and never answered until it is given up.
  fleet.journal.trouble = () => "after";
  const outcome = await settled(say(on, guild.owner, guild.channelId, "?", {}, { requestId }));
  expect(outcome).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN" } });
  expect(await codeOf(say(on, guild.owner, guild.channelId, "?", {}, { requestId }))).toBe("UNAVAILABLE");
  fleet.journal.trouble = () => undefined;
  await fleet.time.advanceAsync(1_000);
  const again = await say(on, guild.owner, guild.channelId, "?", {}, { requestId });
  expect(again.status).toBe(200);
  expect(fleet.journal.records.length).toBe(before + 1);
  expect(on.events().at(-1)?.seq).toBe(again.position?.seq);
});

test("what lands late is in its place, and nothing is decided without it", async () => {
  let sent = 0;
  fleet.journal.trouble = () => (sent++ === 0 ? "late" : "lost");
  const { owner, channelId } = guild;
  expect(await settled(say(on, owner, channelId, "1"))).toMatchObject({ reason: { code: "OUTCOME_UNKNOWN" } });
  fleet.journal.trouble = () => undefined;
  const outcomes = await settled(Promise.allSettled(["2", "3"].map((content) => say(on, owner, channelId, content))));
  await fleet.time.advanceAsync(3_000);
  await say(on, owner, channelId, "4");
  const said = fleet.journal.records.flatMap(({ result }) => contentOf(CommandResult.decode(result)));
  const acked = outcomes.status === "fulfilled" ? outcomes.value : [];
  expect(said).toEqual(["1", ...["2", "3"].filter((_, index) => acked[index]?.status === "fulfilled"), "4"]);
  const seqs = on.events().map(({ seq }) => seq);
  expect(seqs).toEqual(fleet.journal.records.map(({ seq }) => seq));
});

test("what nobody waits for any more is not decided", async () => {
  troubles("after", "after", "after", "after", "after");
  const { owner, channelId } = guild;
  const first = say(on, owner, channelId, "1");
  await fleet.time.advanceAsync(0);
  const value = { ...CreateMessage.fromPartial({ channelId, content: "2" }) };
  const actor = { profile: owner, applicationId: 0n };
  const body = { $case: "createMessage" as const, value };
  const command = { requestId: fleet.requestId(), actor, reason: "", body };
  const late = await settled(on.ask({ $case: "command", value: command }, guild.id, 100));
  expect(late).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
  const { position } = await first;
  expect(fleet.journal.records.at(-1)?.seq).toBe(position?.seq);
  expect((await on.ask({ $case: "command", value: command }, guild.id, 100))?.$case).toBe("command");
});

test("when the shard is lost, only what is certainly not journaled is sent to the next owner as not done", async () => {
  const { owner, channelId } = guild;
  fleet.journal.trouble = () => "after";
  const unknown = say(on, owner, channelId, "1");
  await fleet.time.advanceAsync(0);
  const { length } = fleet.journal.records;
  seize(2);
  on.reachable = false;
  await fleet.time.advanceAsync(4_000);
  await on.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) });
  expect(await settled(unknown)).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN" } });
  expect(fleet.journal.records.length).toBe(length);
  expect(on.host?.shards.length).toBe(0);
});

test("a higher epoch makes the host drop the shard and name the owner", async () => {
  seize(2);
  const outcome = await settled(say(on, guild.owner, guild.channelId, "x"));
  expect(outcome.status).toBe("rejected");
  expect(String((outcome as PromiseRejectedResult).reason)).toContain("notOwner");
  expect(on.host?.shards.length).toBe(0);
  const answer = await on.ask({ $case: "read", value: { actor: undefined, body: undefined } });
  expect(answer).toMatchObject({ $case: "notOwner", value: { epoch: 2, host: "guild-9", incarnation: "other" } });
});

test("without a fresh lease a read is answered only after the journal says who owns", async () => {
  const value = GetGuild.fromPartial({ guildId: guild.id });
  on.reachable = false;
  await fleet.time.advanceAsync(4_000);
  const checks = on.host?.stats.fenceChecks ?? 0;
  expect(await on.read(guild.owner, { $case: "getGuild", value })).toMatchObject({ name: "G" });
  expect(on.host?.stats.fenceChecks).toBe(checks + 1);
  seize(2);
  const answer = await on.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) });
  expect(answer?.$case).toBe("notOwner");
});

test("a host that was overtaken without knowing does not refuse: it names the owner", async () => {
  on.reachable = false;
  await fleet.time.advanceAsync(4_000);
  seize(2);
  const outcome = await settled(say(on, guild.member, guild.channelId, ""));
  expect(outcome.status).toBe("rejected");
  expect(String((outcome as PromiseRejectedResult).reason)).toContain("notOwner");
});

test("a host that was overtaken without knowing, and is to take the range back, takes it", async () => {
  seize(2);
  fleet.coordinator.order("guild-0", { i: 0, n: 1 }, { fromIncarnation: "other" });
  await waitFor(async () => {
    await fleet.time.advanceAsync(5);
    return on.serves[0] === "0/1@3";
  });
  expect(
    unwrap(await on.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) }), "heads"),
  ).toBeDefined();
});

test("a host that has by now what it is to take from another goes on as it was", async () => {
  await fleet.time.advanceAsync(1_000);
  const checks = on.host?.stats.fenceChecks ?? 0;
  fleet.coordinator.order("guild-0", { i: 0, n: 1 }, { fromIncarnation: "other" });
  await fleet.time.advanceAsync(3_000);
  expect([on.serves, on.host?.stats.fenceChecks]).toEqual([["0/1@1"], checks + 1]);
});

test("a range of another's that the order does not name is left alone", async () => {
  const other = new Fleet();
  other.journal.seize({
    range: { i: 0, n: 1 },
    split: false,
    epoch: 1,
    host: "guild-9",
    incarnation: "other",
    moveId: "x",
  });
  using refused = other.begin("guild-0");
  await other.time.advanceAsync(3_000);
  expect(refused.host?.serving).toBe(false);
  expect((await other.journal.readEpochs({ i: 0, n: 1 })).length).toBe(1);
  using taker = await other.start("guild-1", { from: "other" });
  expect(taker.host?.shards[0]?.row.epoch).toBe(2);
});

test("an incarnation takes its epoch before it reads anything of its range", async () => {
  on[Symbol.dispose]();
  const steps: string[] = [];
  const { journal, store } = fleet;
  const noted = <A extends unknown[], R>(object: object, name: string, method: (...args: A) => R): void => {
    Object.assign(object, {
      [name](...args: A): R {
        steps.push(name);
        return method.apply(object, args);
      },
    });
  };
  noted(journal, "takeEpoch", journal.takeEpoch);
  noted(journal, "readRetries", journal.readRetries);
  noted(journal, "readTail", journal.readTail);
  noted(journal, "readHeads", journal.readHeads);
  noted(store, "readWatermark", store.readWatermark);
  noted(store, "loadGuild", store.loadGuild);
  using next = await fleet.start("guild-0");
  await next.read(guild.owner, { $case: "getGuild", value: GetGuild.fromPartial({ guildId: guild.id }) });
  expect(next.host?.shards[0]?.row.epoch).toBe(2);
  expect(steps[0]).toBe("takeEpoch");
  expect(new Set(steps).size).toBe(6);
});

test("a host that takes over replays what the store lacks, and goes on where the last one was", async () => {
  const { owner, channelId, id } = guild;
  fleet.store.isDown = true;
  await say(on, owner, channelId, "1");
  const last = await say(on, owner, channelId, "2");
  on[Symbol.dispose]();
  fleet.store.isDown = false;
  using next = await fleet.start("guild-0");
  const read = await next.read(owner, { $case: "getGuild", value: GetGuild.fromPartial({ guildId: id }) });
  expect(read).toMatchObject({ name: "G", owner_id: String(owner.id) });
  expect((await say(next, owner, channelId, "3")).position?.seq).toBe((last.position?.seq as bigint) + 1n);
  await waitFor(async () => {
    await fleet.time.advanceAsync(300);
    return fleet.store.watermark === BigInt(fleet.journal.records.length);
  });
  const messageId = BigInt(String(jsonOf(last).id));
  expect((await fleet.store.loadMessages(channelId, [messageId])).length).toBe(1);
  expect(fleet.memberships.has(guild.member.id, id)).toBe(true);
});

test("too much that waits for the store refuses commands, and reading goes on", async () => {
  on[Symbol.dispose]();
  using small = await fleet.start("guild-0", { limits: { backlogRecords: 3 } });
  const { owner, channelId, id } = guild;
  fleet.store.isDown = true;
  for (const content of ["1", "2", "3"]) await say(small, owner, channelId, content);
  expect(await codeOf(say(small, owner, channelId, "4"))).toBe("STORE_UNAVAILABLE");
  const value = GetGuild.fromPartial({ guildId: id });
  expect(await small.read(owner, { $case: "getGuild", value })).toMatchObject({ name: "G" });
  fleet.store.isDown = false;
  const outcome = await settled(
    waitFor(async () => (await say(small, owner, channelId, "5")).status === 200, { pollMs: 1 }),
  );
  expect(outcome.status).toBe("fulfilled");
});

test("events are refilled from memory, and by the next owner from the journal", async () => {
  const refill = { $case: "refill" as const, value: Refill.fromPartial({ topic: guild.id, fromSeq: 1n, toSeq: 2n }) };
  const { events } = unwrap(await on.ask(refill), "refill");
  expect(events).toEqual(fleet.journal.records.slice(0, 2).map(({ event }) => event));
  on[Symbol.dispose]();
  using next = await fleet.start("guild-0");
  expect(unwrap(await next.ask(refill), "refill").events).toEqual(events);
});

test("beats are numbered and name the heads that changed", async () => {
  const beats = () => on.items.flatMap(({ of }) => (of?.$case === "beat" ? [of.value] : []));
  await fleet.time.advanceAsync(250);
  const { position } = await say(on, guild.owner, guild.channelId, "x");
  await fleet.time.advanceAsync(500);
  const numbers = beats().map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => BigInt(index + 1)));
  expect(beats().at(-2)?.heads).toMatchObject([{ topic: guild.id, seq: position?.seq }]);
  expect(beats().at(-1)?.heads).toEqual([]);
});

test("idle guilds are closed when too many are open, and come back as they were", async () => {
  on[Symbol.dispose]();
  using small = await fleet.start("guild-0", { limits: { openTopics: 1 } });
  const value = GetGuild.fromPartial({ guildId: guild.id });
  await small.read(guild.owner, { $case: "getGuild", value });
  const stranger = await small
    .ask({ $case: "read", value: { actor: undefined, body: { $case: "getGuild", value } } }, 4_194_304n)
    .catch((error: { code: string }) => error.code);
  expect(stranger).toBe("UNKNOWN_GUILD");
  expect(small.host?.sizes().topics).toBe(1);
  expect(await small.read(guild.owner, { $case: "getGuild", value })).toMatchObject({ name: "G" });
});
