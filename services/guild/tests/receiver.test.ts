import type { EpochRecord, HandoffReply, HandoffRequest, Head, TailRecord } from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, settled } from "./moving.ts";

let fleet: Fleet;
let a: FleetHost;
let b: FleetHost;
let guild: TestGuild;
let row: EpochRecord;

beforeEach(async () => {
  fleet = new Fleet();
  a = await fleet.start("guild-0");
  b = await fleet.start("guild-1", { range: null });
  guild = await makeGuild(fleet, a);
  row = a.host?.shards[0]?.row as EpochRecord;
});

afterEach(() => {
  a[Symbol.dispose]();
  b[Symbol.dispose]();
});

type Body = NonNullable<HandoffRequest["body"]>;

async function ask(body: Body): Promise<NonNullable<HandoffReply["body"]>["value"]> {
  const answer = await b.host?.handoff({ id: 1n, traceparent: "", body });
  if (answer === undefined) throw new Error("not started");
  return answer.value;
}

const begin = (moveId: string, range = all) =>
  ask({ $case: "begin", value: { moveId, range, row, topics: [guild.id] } });
const copy = (moveId: string, number: bigint, records: TailRecord[] = []) =>
  ask({ $case: "copy", value: { moveId, number, records } });
const commit = (moveId: string, number: bigint, heads: Head[], budgetMs = 40) =>
  ask({ $case: "commit", value: { moveId, number, records: [], heads, budgetMs, position: 0n } });
const heads = () => fleet.journal.readHeads([guild.id]);
const coming = () => b.host?.sizes().coming;

test("a shard is taken when everything has come, in time", async () => {
  expect(await begin("m")).toEqual({ opened: 1 });
  expect(await copy("m", 1n)).toEqual({ number: 1n });
  expect(await commit("m", 2n, await heads())).toMatchObject({
    row: { range: all, epoch: 2, host: "guild-1", incarnation: b.incarnation, moveId: "m", split: false },
    address: b.address,
    reason: "",
  });
  expect([coming(), b.serves, b.host?.sizes().topics]).toEqual([0, ["0/1@2"], 1]);
});

test("when a message of the move is missing all of it is worthless", async () => {
  await begin("m");
  expect(await codeOf(copy("m", 2n))).toBe("UNAVAILABLE");
  expect([coming(), await commit("m", 3n, await heads())]).toMatchObject([0, { row: undefined }]);
  await begin("n");
  await copy("n", 1n);
  expect(await commit("n", 3n, await heads())).toMatchObject({
    row: undefined,
    reason: "something of the move is missing",
  });
  expect(await fleet.journal.readEpochs(all)).toHaveLength(1);
});

test("no EPOCH is asked for when the time for it is over", async () => {
  await begin("m");
  expect(await commit("m", 1n, await heads(), 0)).toMatchObject({ row: undefined, reason: "the time for it is over" });
  expect([coming(), (await fleet.journal.readEpochs(all)).length]).toEqual([0, 1]);
});

test("a guild that does not end where its owner says is opened anew", async () => {
  await begin("m");
  const { position } = await say(a, guild.owner, guild.channelId, "not copied");
  await commit("m", 1n, await heads());
  expect([b.serves, b.host?.sizes().topics]).toEqual([["0/1@2"], 0]);
  const next = await say(b, guild.owner, guild.channelId, "next");
  expect(next.position?.seq).toBe((position?.seq ?? 0n) + 1n);
});

test("records that come are taken in; a guild with something missing between is opened anew", async () => {
  await begin("m");
  await say(a, guild.owner, guild.channelId, "1");
  const command = message(fleet, guild, "2");
  const second = await fleet.route(a, command);
  const { records } = await fleet.journal.readTopic(guild.id, 1n, 100);
  await copy("m", 1n, records.slice(-1));
  await commit("m", 2n, await heads());
  expect(b.host?.sizes().topics).toBe(0);
  expect(await fleet.route(b, command)).toEqual(second);
});

test("what is prepared is bounded, and let go when nothing more is said", async () => {
  for (const moveId of ["1", "2", "3", "4"]) await begin(moveId, { i: Number(moveId), n: 8 });
  expect(await codeOf(begin("5", { i: 5, n: 8 }))).toBe("QUEUE_FULL");
  await fleet.time.advanceAsync(6_000);
  await copy("2", 1n);
  await ask({ $case: "abandon", value: { moveId: "1" } });
  expect(coming()).toBe(3);
  await fleet.time.advanceAsync(4_000);
  expect(coming()).toBe(1);
  await fleet.time.advanceAsync(6_000);
  expect(coming()).toBe(0);
});

test("nothing is prepared of what the host serves itself", async () => {
  fleet.coordinator.order("guild-1", all, { fromIncarnation: a.incarnation });
  await fleet.time.advanceAsync(1_000);
  expect(b.serves).toEqual(["0/1@2"]);
  expect(await codeOf(begin("m", { i: 3, n: 4 }))).toBe("UNAVAILABLE");
});

test("an EPOCH of unknown outcome is looked for, and served by when it is there", async () => {
  let asked = 0;
  // It is served by once the journal has also said that it is in force everywhere.
  b.journalFaults = (method) => (method === "takeEpoch" && ++asked < 3 ? "answer lost" : undefined);
  await begin("m");
  const committed = settled(fleet, commit("m", 1n, await heads()));
  expect(await committed).toMatchObject({ row: { epoch: 2, moveId: "m" } });
  expect(asked).toBe(3);
  expect(b.serves).toEqual(["0/1@2"]);
});

test("an EPOCH of unknown outcome that does not appear in 10 s is given up, and nothing more is asked for", async () => {
  let asked = 0;
  b.journalFaults = (method) => {
    if (method === "takeEpoch") asked++;
    return method === "takeEpoch" ? "lost" : undefined;
  };
  await begin("m");
  let answer: unknown;
  void commit("m", 1n, await heads()).then((value) => {
    answer = value;
  });
  await fleet.time.advanceAsync(11_000);
  expect([answer, asked, b.serves]).toMatchObject([{ row: undefined }, 1, []]);
});
