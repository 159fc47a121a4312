import { Permission } from "@guildhall/permissions";
import {
  AcceptInvite,
  AddBot,
  AddPeople,
  AddReaction,
  CreateInvite,
  CreateRole,
  DeleteGuild,
  DeleteMessage,
  DeleteRole,
  EditChannel,
  EditMessage,
  EditRole,
  GetInvite,
  GetMember,
  GrantRole,
  KickMember,
  LeaveGuild,
  RemoveReaction,
  StartTyping,
} from "@guildhall/proto";
import { waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf, person } from "./fleet.ts";
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

const dispatched = () => on.events().at(-1)?.dispatches ?? [];
const dataOf = (type: string) => {
  const found = dispatched().find((dispatch) => dispatch.type === type);
  return found && JSON.parse(found.data.toString());
};

async function makeRole(name: string, permissions: bigint): Promise<bigint> {
  const value = CreateRole.fromPartial({ guildId: guild.id, name, permissions });
  return BigInt(String(jsonOf(await on.command(guild.owner, { $case: "createRole", value })).id));
}

function grant(who: typeof guild.owner, userId: bigint, roleId: bigint) {
  return on.command(who, { $case: "grantRole", value: GrantRole.fromPartial({ guildId: guild.id, userId, roleId }) });
}

test("a member of low rank can neither manage higher roles nor kick who outranks them", async () => {
  const { owner, member, id: guildId } = guild;
  const high = await makeRole("high", 0n);
  const mod = await makeRole("mod", Permission.KICK_MEMBERS | Permission.MANAGE_ROLES);
  const low = await makeRole("low", 0n);
  const other = person("other");
  const add = AddPeople.fromPartial({ guildId, people: [other] });
  await on.command(undefined, { $case: "addPeople", value: add });
  await grant(owner, member.id, mod);
  await grant(owner, other.id, high);
  const kick = (userId: bigint) =>
    on.command(member, { $case: "kickMember", value: KickMember.fromPartial({ guildId, userId }) });
  expect(await codeOf(grant(member, member.id, high))).toBe("MISSING_PERMISSIONS");
  expect(await codeOf(grant(member, other.id, mod))).toBe("MISSING_PERMISSIONS");
  expect((await grant(member, other.id, low)).status).toBe(204);
  expect(await codeOf(kick(other.id))).toBe("MISSING_PERMISSIONS");
  expect(await codeOf(kick(owner.id))).toBe("MISSING_PERMISSIONS");
  const edit = EditRole.fromPartial({ guildId, roleId: low, permissions: Permission.BAN_MEMBERS });
  expect(await codeOf(on.command(member, { $case: "editRole", value: edit }))).toBe("MISSING_PERMISSIONS");
  const drop = (roleId: bigint) =>
    on.command(member, { $case: "deleteRole", value: DeleteRole.fromPartial({ guildId, roleId }) });
  expect(await codeOf(drop(high))).toBe("MISSING_PERMISSIONS");
  expect((await drop(low)).status).toBe(204);
  const read = { $case: "getMember" as const, value: GetMember.fromPartial({ guildId, userId: other.id }) };
  expect(await on.read(member, read)).toMatchObject({ roles: [String(high)] });
});

test("a message mentions whom it may, and hides its content from who may not read it", async () => {
  const { owner, member, channelId } = guild;
  const content = `hi <@${member.id}> <@1> @everyone`;
  const json = jsonOf(await say(on, owner, channelId, content));
  expect(json).toMatchObject({ content, mention_everyone: true, mentions: [{ id: String(member.id) }], type: 0 });
  const [dispatch] = dispatched();
  expect(dispatch).toMatchObject({ type: "MESSAGE_CREATE", content: true, ungatedUsers: [owner.id, member.id] });
  expect(dataOf("MESSAGE_CREATE")).toMatchObject({
    guild_id: String(guild.id),
    channel_type: 0,
    member: { roles: [] },
    mentions: [{ id: String(member.id), member: { roles: [] } }],
  });
  expect(JSON.parse(String(dispatch?.gatedData))).toMatchObject({ content: "", embeds: [] });
  const quiet = { parse: [], users: [], roles: [], repliedUser: false };
  const silent = jsonOf(await say(on, owner, channelId, content, { allowedMentions: quiet }));
  expect(silent).toMatchObject({ mention_everyone: false, mentions: [] });
});

test("embeds of who may not embed are dropped, and nothing else is nothing", async () => {
  const { owner, member, channelId, id } = guild;
  const permissions = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES;
  const edit = EditRole.fromPartial({ guildId: id, roleId: id, permissions });
  await on.command(owner, { $case: "editRole", value: edit });
  const embedsJson = `[{"title":"t","type":"video"}]`;
  expect(jsonOf(await say(on, owner, channelId, "", { embedsJson })).embeds).toEqual([{ title: "t", type: "rich" }]);
  expect(jsonOf(await say(on, member, channelId, "x", { embedsJson })).embeds).toEqual([]);
  expect(await codeOf(say(on, member, channelId, "", { embedsJson }))).toBe("EMPTY_MESSAGE");
  expect(await codeOf(say(on, owner, channelId, "x".repeat(2001)))).toBe("INVALID_FORM");
  expect((await say(on, owner, channelId, "😀".repeat(2000))).status).toBe(200);
});

test("slowmode holds people back, not who manages messages", async () => {
  const { owner, member, channelId } = guild;
  const edit = EditChannel.fromPartial({ channelId, rateLimitPerUser: 5 });
  await on.command(owner, { $case: "editChannel", value: edit });
  await say(on, member, channelId, "1");
  expect(await codeOf(say(on, member, channelId, "2"))).toBe("SLOWMODE");
  await say(on, owner, channelId, "1");
  await say(on, owner, channelId, "2");
  await fleet.time.advanceAsync(5_000);
  expect((await say(on, member, channelId, "3")).status).toBe(200);
});

test("only the author edits what a message says; its mentions follow", async () => {
  const { owner, member, channelId } = guild;
  const messageId = BigInt(String(jsonOf(await say(on, member, channelId, "old")).id));
  const edit = (content: string) => ({
    $case: "editMessage" as const,
    value: EditMessage.fromPartial({ channelId, messageId, content }),
  });
  expect(await codeOf(on.command(owner, edit("x")))).toBe("CANNOT_EDIT_OTHER_AUTHOR");
  const edited = jsonOf(await on.command(member, edit(`<@${owner.id}>`)));
  expect(edited).toMatchObject({ content: `<@${owner.id}>`, mentions: [{ id: String(owner.id) }] });
  expect(edited.edited_timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  expect(dataOf("MESSAGE_UPDATE")).toMatchObject({ member: { roles: [] }, mentions: [{ member: { roles: [] } }] });
  const remove = { $case: "deleteMessage" as const, value: DeleteMessage.fromPartial({ channelId, messageId }) };
  expect((await on.command(owner, remove)).status).toBe(204);
  expect(await codeOf(on.command(owner, remove))).toBe("UNKNOWN_MESSAGE");
});

test("a reaction counts once; the twenty-first kind is refused", async () => {
  const { owner, channelId } = guild;
  const messageId = BigInt(String(jsonOf(await say(on, owner, channelId, "x")).id));
  const react = (name: string) =>
    on.command(owner, {
      $case: "addReaction",
      value: AddReaction.fromPartial({ channelId, messageId, emoji: { name } }),
    });
  await react("k0");
  const before = fleet.journal.records.length;
  expect((await react("k0")).status).toBe(204);
  expect(fleet.journal.records.length).toBe(before);
  for (let kind = 1; kind < 20; kind++) await react(`k${kind}`);
  expect(await codeOf(react("k20"))).toBe("MAX_REACTIONS");
  const value = RemoveReaction.fromPartial({ channelId, messageId, emoji: { name: "k3" } });
  await on.command(owner, { $case: "removeReaction", value });
  expect(dataOf("MESSAGE_REACTION_REMOVE")).toMatchObject({ emoji: { id: null, name: "k3" } });
  expect((await react("k20")).status).toBe(204);
});

test("an invite makes a member once, and ends when it is used up", async () => {
  const { owner, channelId, id: guildId } = guild;
  const create = CreateInvite.fromPartial({ channelId, code: "abc", maxUses: 1 });
  const made = jsonOf(await on.command(owner, { $case: "createInvite", value: create }));
  expect(made).toMatchObject({ code: "abc", uses: 0, max_uses: 1, guild: { id: String(guildId) } });
  const again = { ...create, code: "xyz" };
  expect(jsonOf(await on.command(owner, { $case: "createInvite", value: again })).code).toBe("abc");
  const value = AcceptInvite.fromPartial({ code: "abc" });
  const guest = person("guest");
  const joined = jsonOf(await on.command(guest, { $case: "acceptInvite", value }));
  expect(joined).toMatchObject({ code: "abc", new_member: true });
  expect(dispatched().map(({ type }) => type)).toEqual(["GUILD_MEMBER_ADD", "MESSAGE_CREATE"]);
  expect(dataOf("MESSAGE_CREATE")).toMatchObject({ type: 7, author: { id: String(guest.id) } });
  await waitFor(() => fleet.memberships.has(guest.id, guildId));
  expect(await codeOf(on.command(person("late"), { $case: "acceptInvite", value }))).toBe("UNKNOWN_INVITE");
  expect(await codeOf(on.read(undefined, { $case: "getInvite", value: GetInvite.fromPartial({ code: "abc" }) }))).toBe(
    "UNKNOWN_INVITE",
  );
});

test("who leaves is told, and is no member any more; the owner stays", async () => {
  const { owner, member, channelId, id: guildId } = guild;
  const value = LeaveGuild.fromPartial({ guildId });
  expect(await codeOf(on.command(owner, { $case: "leaveGuild", value }))).toBe("OWNER_CANNOT_LEAVE");
  await on.command(member, { $case: "leaveGuild", value });
  const event = on.events().at(-1);
  expect(event?.dispatches.map(({ type }) => type)).toEqual(["GUILD_DELETE", "GUILD_MEMBER_REMOVE"]);
  expect(event?.changes).toEqual([{ of: { $case: "memberGone", value: member.id } }]);
  expect(await codeOf(say(on, member, channelId, "x"))).toBe("MISSING_ACCESS");
  await waitFor(() => !fleet.memberships.has(member.id, guildId));
});

test("a deleted guild is unknown, and lets all its members go", async () => {
  const { owner, member, channelId, id: guildId } = guild;
  const value = DeleteGuild.fromPartial({ guildId });
  expect(await codeOf(on.command(member, { $case: "deleteGuild", value }))).toBe("MISSING_PERMISSIONS");
  await on.command(owner, { $case: "deleteGuild", value });
  expect(await codeOf(say(on, owner, channelId, "x"))).toBe("UNKNOWN_CHANNEL");
  await waitFor(() => !fleet.memberships.has(member.id, guildId) && !fleet.memberships.has(owner.id, guildId));
});

test("a bot comes with a managed role of its own", async () => {
  const { owner, member, id: guildId } = guild;
  const bot = person("robot", { bot: true });
  const value = AddBot.fromPartial({ guildId, bot, permissions: Permission.MANAGE_MESSAGES });
  expect(await codeOf(on.command(member, { $case: "addBot", value }))).toBe("MISSING_PERMISSIONS");
  await on.command(owner, { $case: "addBot", value });
  const { role } = dataOf("GUILD_ROLE_CREATE");
  expect(role).toMatchObject({ name: "robot", managed: true, tags: { bot_id: String(bot.id) } });
  expect(dataOf("GUILD_MEMBER_ADD")).toMatchObject({ roles: [role.id], user: { bot: true } });
  const drop = DeleteRole.fromPartial({ guildId, roleId: BigInt(role.id) });
  expect(await codeOf(on.command(owner, { $case: "deleteRole", value: drop }))).toBe("INVALID_ROLE");
  expect(await codeOf(grant(owner, member.id, BigInt(role.id)))).toBe("INVALID_ROLE");
});

test("typing is told at once and leaves no record", async () => {
  const before = fleet.journal.records.length;
  const value = StartTyping.fromPartial({ channelId: guild.channelId });
  expect((await on.command(guild.member, { $case: "startTyping", value })).status).toBe(204);
  expect(fleet.journal.records.length).toBe(before);
  expect(on.items.at(-1)?.of?.$case).toBe("ephemeral");
});
