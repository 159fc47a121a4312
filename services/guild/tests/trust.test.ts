import { GetGuild, Heads, Join, StartTyping } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, unwrap } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, orderMove, outcomeOf, passUntil, settled } from "./moving.ts";

let fleet: Fleet;
let a: FleetHost;
let guild: TestGuild;

beforeEach(async () => {
  fleet = new Fleet();
  a = await fleet.start("guild-0");
  guild = await makeGuild(fleet, a);
  await fleet.time.advanceAsync(1_000);
});

afterEach(() => a[Symbol.dispose]());

const checks = () => a.host?.stats.fenceChecks ?? 0;
const read = (on = a) => {
  const value = GetGuild.fromPartial({ guildId: guild.id });
  return on.read(guild.owner, { $case: "getGuild", value });
};
const seize = (epoch: number) =>
  fleet.journal.seize({ range: all, split: false, epoch, host: "guild-9", incarnation: "other", moveId: "x" });

test("while an order against it is out, a host looks at the journal for each answer; then it is trusted again", async () => {
  const before = checks();
  expect([await read(), checks()]).toEqual([expect.objectContaining({ name: "G" }), before]);
  fleet.coordinator.ttlMs = 0;
  await fleet.time.advanceAsync(1_000);
  await read();
  await read();
  expect(checks()).toBe(before + 2);
  fleet.coordinator.ttlMs = 5_000;
  await fleet.time.advanceAsync(1_000);
  const after = checks();
  await read();
  expect(checks()).toBe(after);
});

test("what a renewal promised before is worth nothing once an order is out, however late it is looked into", async () => {
  fleet.coordinator.ttlMs = 0;
  await fleet.time.advanceAsync(1_000);
  // The check that this renewal's promise waits for takes until after the next renewal.
  fleet.coordinator.ttlMs = 5_000;
  const held = Promise.withResolvers<undefined>();
  a.journalFaults = (method) => (method === "readEpochs" ? held.promise : undefined);
  await fleet.time.advanceAsync(1_000);
  fleet.coordinator.ttlMs = 0;
  await fleet.time.advanceAsync(1_000);
  a.journalFaults = () => undefined;
  held.resolve(undefined);
  await fleet.time.advanceAsync(0);
  const before = checks();
  await read();
  expect(checks()).toBe(before + 1);
});

test("a host that slept while another took over answers nothing by trust, and publishes nothing", async () => {
  const { owner, channelId, id } = guild;
  a.reachable = false;
  // Asleep: nothing runs, and the clock goes on.
  fleet.time.advance(60_000);
  seize(2);
  a.items.length = 0;
  const typing = StartTyping.fromPartial({ channelId });
  const heads = Heads.fromPartial({ topics: [id] });
  const join = Join.fromPartial({ guildId: id, users: [{ userId: owner.id }] });
  const asked = await Promise.all([
    a.ask({ $case: "heads", value: heads }),
    a.ask({ $case: "join", value: join }),
    a.ask({ $case: "command", value: fleet.commandOf(owner, { $case: "startTyping", value: typing }) }),
    a.ask({ $case: "command", value: message(fleet, guild, "") }),
  ]);
  expect(asked.map((answer) => answer?.$case)).toEqual(Array(4).fill("notOwner"));
  await fleet.time.advanceAsync(1_000);
  expect(a.items.map(({ of }) => (of?.$case === "beat" ? of.value.heads : of))).toEqual(Array(4).fill([]));
  expect(a.host?.sizes()).toEqual({ topics: 0, members: 0, messages: 0, sealed: 0, coming: 0 });
});

test("the next owner's first beat names what the last owner's beats do not any more", async () => {
  await using stack = new AsyncDisposableStack();
  const b = stack.use(await fleet.start("guild-1", { range: null }));
  const { position } = await say(a, guild.owner, guild.channelId, "x");
  a.items.length = 0;
  await outcomeOf(fleet, orderMove(fleet, a, b));
  await fleet.time.advanceAsync(500);
  const named = (on: FleetHost) => on.items.flatMap(({ of }) => (of?.$case === "beat" ? of.value.heads : []));
  expect([named(a), named(b)]).toMatchObject([[], [{ topic: guild.id, seq: position?.seq }]]);
});

test("what is asked of a sealed shard waits for the outcome, however fresh the lease", async () => {
  const b = await fleet.start("guild-1", { range: null });
  a.peerFaults = (method) => (method === "commit" ? "answer lost" : undefined);
  a.journalFaults = async (method) => {
    if (method === "takeEpoch") await new Promise<void>((resolve) => fleet.time.timers.after(200, resolve));
    return undefined;
  };
  orderMove(fleet, a, b);
  await passUntil(fleet, () => b.host?.serving, 1);
  expect(a.host?.sizes().sealed).toBe(1);
  const asked = [
    a.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) }),
    a.ask({ $case: "join", value: Join.fromPartial({ guildId: guild.id, users: [{ userId: guild.owner.id }] }) }),
    a.ask({ $case: "refill", value: { topic: guild.id, fromSeq: 1n, toSeq: 1n } }),
    a.ask({ $case: "command", value: message(fleet, guild, "") }),
  ];
  const answers = await settled(fleet, Promise.all(asked));
  expect(answers.map((answer) => answer?.$case)).toEqual(Array(4).fill("notOwner"));
  unwrap(await b.ask({ $case: "heads", value: Heads.fromPartial({ topics: [guild.id] }) }), "heads");
  b[Symbol.dispose]();
});

test("a check of the journal that began before a host took a range does not take it away", async () => {
  a.reachable = false;
  await fleet.time.advanceAsync(4_000);
  const held = Promise.withResolvers<undefined>();
  const { readEpochs } = fleet.journal;
  fleet.journal.readEpochs = async (range) => {
    const found = await readEpochs.call(fleet.journal, range);
    await held.promise;
    return found;
  };
  const answer = read();
  await fleet.time.advanceAsync(0);
  fleet.journal.readEpochs = readEpochs;
  a.reachable = true;
  fleet.coordinator.order("guild-0", all, { fromIncarnation: a.incarnation });
  await passUntil(fleet, () => a.serves[0] === "0/1@2");
  held.resolve(undefined);
  expect(await settled(fleet, answer)).toMatchObject({ name: "G" });
  expect(a.serves).toEqual(["0/1@2"]);
});

test("a refusal that waits for a look at the journal is not told when that is not possible", async () => {
  a.reachable = false;
  await fleet.time.advanceAsync(4_000);
  a.journalFaults = (method) => (method === "readEpochs" ? "lost" : undefined);
  expect(await codeOf(say(a, guild.owner, guild.channelId, ""))).toBe("STREAM_LOST");
});
