import { ListMessages, type MessageReference } from "@guildhall/proto";
import { timestampMsOf } from "@guildhall/snowflake";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";

let fleet: Fleet;
let on: FleetHost;
let guild: TestGuild;

beforeEach(async () => {
  fleet = new Fleet();
  on = await fleet.start("guild-0");
  guild = await makeGuild(fleet, on);
});

afterEach(() => on[Symbol.dispose]());

test("the same request leads to one message, also when both are under way at once", async () => {
  const requestId = fleet.requestId();
  const { owner, channelId } = guild;
  const before = fleet.journal.records.length;
  const both = [say(on, owner, channelId, "a", {}, { requestId }), say(on, owner, channelId, "a", {}, { requestId })];
  const [first, second] = await Promise.all(both);
  const third = await say(on, owner, channelId, "a", {}, { requestId });
  expect(second).toEqual(first);
  expect(third).toEqual(first);
  expect(fleet.journal.records.length).toBe(before + 1);
});

test("an enforced nonce leads to one message per author and channel", async () => {
  const { owner, member, channelId } = guild;
  const nonce = { nonceJson: `"n1"`, enforceNonce: true };
  const first = jsonOf(await say(on, owner, channelId, "a", nonce));
  const again = jsonOf(await say(on, owner, channelId, "b", nonce));
  const other = jsonOf(await say(on, member, channelId, "c", nonce));
  expect(first.nonce).toBe("n1");
  expect(again).toEqual(first);
  expect(other.id).not.toBe(first.id);
});

test("a nonce that is not enforced doubles, and is echoed with its type", async () => {
  const { owner, channelId } = guild;
  const first = jsonOf(await say(on, owner, channelId, "a", { nonceJson: "7" }));
  const again = jsonOf(await say(on, owner, channelId, "a", { nonceJson: "7" }));
  expect(first.nonce).toBe(7);
  expect(again.id).not.toBe(first.id);
});

test("a request of over 2 minutes ago is refused unless it is known", async () => {
  const { owner, channelId } = guild;
  const known = fleet.requestId();
  const unknown = fleet.requestId();
  const first = await say(on, owner, channelId, "a", {}, { requestId: known });
  await fleet.time.advanceAsync(121_000);
  expect(await codeOf(say(on, owner, channelId, "b", {}, { requestId: unknown }))).toBe("REQUEST_TOO_OLD");
  expect(await say(on, owner, channelId, "a", {}, { requestId: known })).toEqual(first);
});

test("a refused request may be sent again", async () => {
  const { owner, channelId } = guild;
  const requestId = fleet.requestId();
  expect(await codeOf(say(on, owner, channelId, "", {}, { requestId }))).toBe("EMPTY_MESSAGE");
  expect((await say(on, owner, channelId, "now", {}, { requestId })).status).toBe(200);
});

test("a repeat after the host's end is known to the next host", async () => {
  const { owner, channelId } = guild;
  const requestId = fleet.requestId();
  const first = await say(on, owner, channelId, "a", { nonceJson: "5", enforceNonce: true }, { requestId });
  on[Symbol.dispose]();
  using next = await fleet.start("guild-0");
  expect(await say(next, owner, channelId, "a", {}, { requestId })).toEqual(first);
  expect(await say(next, owner, channelId, "b", { nonceJson: "5", enforceNonce: true })).toEqual(first);
});

test("ids and times rise over a takeover by a host whose clock is behind", async () => {
  const { owner, channelId } = guild;
  on[Symbol.dispose]();
  using ahead = await fleet.start("guild-0", { skewMs: 5_000 });
  await say(ahead, owner, channelId, "ahead");
  ahead[Symbol.dispose]();
  using behind = await fleet.start("guild-0", { skewMs: -5_000 });
  await say(behind, owner, channelId, "behind");
  await say(behind, owner, channelId, "again");
  const { records } = fleet.journal;
  for (const [index, record] of records.entries()) {
    const before = records[index - 1];
    if (before === undefined) continue;
    expect(record.ts).toBeGreaterThan(before.ts);
    expect(record.seq).toBe(before.seq + 1n);
    expect(record.lastId).toBeGreaterThanOrEqual(before.lastId);
  }
  const ids = records.flatMap(({ rows }) =>
    rows.flatMap(({ of }) => (of?.$case === "message" ? [of.value.messageId] : [])),
  );
  expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
  expect(timestampMsOf(ids.at(-1) as bigint)).toBeGreaterThan(fleet.time.clock.nowMs());
});

test("a reply names what it replies to; an unknown one is refused unless the sender does not mind", async () => {
  const { owner, member, channelId } = guild;
  const first = jsonOf(await say(on, owner, channelId, "question"));
  const reference = (messageId: bigint, failIfNotExists: boolean): { reference: MessageReference } => ({
    reference: { messageId, failIfNotExists },
  });
  const reply = jsonOf(await say(on, member, channelId, "answer", reference(BigInt(String(first.id)), true)));
  expect(reply).toMatchObject({
    type: 19,
    message_reference: { type: 0, message_id: first.id, channel_id: String(channelId), guild_id: String(guild.id) },
    referenced_message: { id: first.id, content: "question" },
    mentions: [{ id: String(owner.id) }],
  });
  expect(await codeOf(say(on, member, channelId, "x", reference(42n, true)))).toBe("INVALID_FORM");
  expect(jsonOf(await say(on, member, channelId, "x", reference(42n, false))).type).toBe(0);
});

test("history is granted with what the store lacks, and the channel's last seq", async () => {
  const { owner, channelId } = guild;
  fleet.store.isDown = true;
  const { position } = await say(on, owner, channelId, "not stored");
  const value = ListMessages.fromPartial({ channelId, limit: 50 });
  const grant = (await on.read(owner, { $case: "listMessages", value })) as { tail: unknown[]; lastSeq: bigint };
  expect(grant.tail.length).toBe(1);
  expect(grant.lastSeq).toBe(position?.seq);
});
