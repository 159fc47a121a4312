import { Permission } from "@guildhall/permissions";
import {
  CreateChannel,
  CreateRole,
  DeleteOverwrite,
  type Dispatch,
  EditChannel,
  EditGuild,
  EditMessage,
  GetChannel,
  GrantRole,
  type Overwrite,
  PutOverwrite,
} from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf } from "./fleet.ts";
import { addChannel, codeOf, makeGuild, say, type TestGuild } from "./guild.ts";

let fleet: Fleet;
let on: FleetHost;
let guild: TestGuild;
let hiding: Overwrite;

beforeEach(async () => {
  fleet = new Fleet();
  on = await fleet.start("guild-0");
  guild = await makeGuild(fleet, on);
  hiding = { id: guild.id, type: 0, allow: 0n, deny: Permission.VIEW_CHANNEL };
});

afterEach(() => on[Symbol.dispose]());

const last = (): readonly Dispatch[] =>
  on
    .events()
    .at(-1)
    ?.dispatches.filter(({ type }) => !type.startsWith("GUILD_AUDIT")) ?? [];
const told = () => last().map(({ type, data }) => [type, (JSON.parse(String(data)) as { id?: string }).id]);

/** Gives the member a role with these permissions. */
async function empower(permissions: bigint): Promise<bigint> {
  const value = CreateRole.fromPartial({ guildId: guild.id, name: "power", permissions });
  const roleId = BigInt(String(jsonOf(await on.command(guild.owner, { $case: "createRole", value })).id));
  const grant = GrantRole.fromPartial({ guildId: guild.id, userId: guild.member.id, roleId });
  await on.command(guild.owner, { $case: "grantRole", value: grant });
  return roleId;
}

function edit(who: typeof guild.owner, value: Parameters<typeof EditChannel.fromPartial>[0]) {
  return on.command(who, { $case: "editChannel", value: EditChannel.fromPartial(value) });
}

function put(who: typeof guild.owner, channelId: bigint, overwrite: Overwrite) {
  const value = PutOverwrite.fromPartial({ channelId, overwrite });
  return on.command(who, { $case: "putOverwrite", value });
}

async function addCategory(overwrites: Overwrite[]): Promise<bigint> {
  const value = CreateChannel.fromPartial({ guildId: guild.id, name: "area", type: 4, overwrites: { overwrites } });
  return BigInt(String(jsonOf(await on.command(guild.owner, { $case: "createChannel", value })).id));
}

function addUnder(who: typeof guild.owner, parentId: bigint) {
  const value = CreateChannel.fromPartial({ guildId: guild.id, name: "child", parentId });
  return on.command(who, { $case: "createChannel", value });
}

test("who loses a channel is shown it as it was, nothing of what hid it", async () => {
  const more = { id: guild.member.id, type: 1, allow: 0n, deny: Permission.SEND_MESSAGES };
  await edit(guild.owner, { channelId: guild.channelId, name: "merger", overwrites: { overwrites: [hiding, more] } });
  const lost = last().find(({ type }) => type === "CHANNEL_DELETE");
  expect(lost?.audience?.of?.$case).toBe("lostChannel");
  expect(JSON.parse(String(lost?.data))).toMatchObject({ name: "general", permission_overwrites: [] });
});

test("an edited reply keeps what it refers to from who may not read content", async () => {
  const first = jsonOf(await say(on, guild.owner, guild.channelId, "a secret"));
  const reference = { messageId: BigInt(String(first.id)), failIfNotExists: true };
  const reply = jsonOf(await say(on, guild.member, guild.channelId, "a reply", { reference }));
  const value = EditMessage.fromPartial({
    channelId: guild.channelId,
    messageId: BigInt(String(reply.id)),
    content: "another",
  });
  await on.command(guild.member, { $case: "editMessage", value });
  const [dispatch] = last();
  expect(String(dispatch?.data)).toContain("a secret");
  expect(String(dispatch?.gatedData)).not.toContain("a secret");
  expect(JSON.parse(String(dispatch?.gatedData))).toMatchObject({ referenced_message: { id: first.id, content: "" } });
});

test("neither a reply's row nor its later edits keep what it refers to once that is deleted", async () => {
  const first = jsonOf(await say(on, guild.owner, guild.channelId, "a secret"));
  const reference = { messageId: BigInt(String(first.id)), failIfNotExists: true };
  const reply = jsonOf(await say(on, guild.member, guild.channelId, "a reply", { reference }));
  const at = { channelId: guild.channelId, messageId: BigInt(String(reply.id)) };
  await on.command(guild.owner, {
    $case: "deleteMessage",
    value: { channelId: guild.channelId, messageId: reference.messageId },
  });
  const value = EditMessage.fromPartial({ ...at, content: "another" });
  expect(jsonOf(await on.command(guild.member, { $case: "editMessage", value }))).toMatchObject({
    content: "another",
    message_reference: { message_id: first.id },
    referenced_message: null,
  });
  expect(String(last()[0]?.data)).not.toContain("a secret");
});

test("who is ungated for a reply reads what it refers to only when that is theirs", async () => {
  const first = jsonOf(await say(on, guild.owner, guild.channelId, "a secret"));
  const reference = { messageId: BigInt(String(first.id)), failIfNotExists: true };
  const reply = jsonOf(await say(on, guild.member, guild.channelId, "a reply", { reference }));
  const check = () => {
    const [dispatch] = last();
    expect([dispatch?.ungatedUsers, dispatch?.halfGatedUsers]).toEqual([[guild.owner.id], [guild.member.id]]);
    expect(JSON.parse(String(dispatch?.halfGatedData))).toMatchObject({
      content: expect.stringContaining("a reply"),
      referenced_message: { id: first.id, content: "" },
    });
  };
  check();
  const more = { channelId: guild.channelId, messageId: BigInt(String(reply.id)) };
  const content = `a reply to <@${guild.owner.id}>`;
  await on.command(guild.member, { $case: "editMessage", value: EditMessage.fromPartial({ ...more, content }) });
  check();
});

test("an overwrite that comes to be for a role instead of a member is a change of all its bits", async () => {
  await empower(Permission.MANAGE_ROLES);
  const denied = { id: guild.member.id, type: 1, allow: 0n, deny: Permission.MANAGE_MESSAGES };
  await put(guild.owner, guild.channelId, denied);
  expect(await codeOf(put(guild.member, guild.channelId, { ...denied, type: 0 }))).toBe("UNKNOWN_ROLE");
  const flipped = { channelId: guild.channelId, overwrites: { overwrites: [{ ...denied, type: 0 }] } };
  expect(await codeOf(edit(guild.member, flipped))).toBe("UNKNOWN_ROLE");
  const role = await empower(0n);
  const ofRole = { id: role, type: 0, allow: 0n, deny: Permission.MANAGE_MESSAGES };
  await put(guild.owner, guild.channelId, ofRole);
  const both = { channelId: guild.channelId, overwrites: { overwrites: [denied, { ...ofRole, type: 1 }] } };
  expect(await codeOf(edit(guild.member, both))).toBe("MISSING_PERMISSIONS");
});

test("nobody makes channels in a category that they do not see or manage", async () => {
  await empower(Permission.MANAGE_CHANNELS);
  const hidden = await addCategory([hiding]);
  const locked = await addCategory([{ ...hiding, deny: Permission.MANAGE_CHANNELS }]);
  expect(await codeOf(addUnder(guild.member, hidden))).toBe("MISSING_ACCESS");
  expect(await codeOf(edit(guild.member, { channelId: guild.channelId, parentId: hidden }))).toBe("MISSING_ACCESS");
  expect(await codeOf(addUnder(guild.member, locked))).toBe("MISSING_PERMISSIONS");
  expect(await codeOf(addUnder(guild.owner, hidden))).toBe("none");
});

test("a channel made in a category is seen by those who see the category", async () => {
  const hidden = await addCategory([hiding]);
  const made = jsonOf(await addUnder(guild.owner, hidden));
  expect(made.permission_overwrites).toEqual([
    { id: String(guild.id), type: 0, allow: "0", deny: String(Permission.VIEW_CHANNEL) },
  ]);
  const get = { $case: "getChannel" as const, value: GetChannel.fromPartial({ channelId: BigInt(String(made.id)) }) };
  expect(await codeOf(on.read(guild.member, get))).toBe("MISSING_ACCESS");
});

test("channels with the overwrites of their category follow its changes, others do not", async () => {
  const area = await addCategory([]);
  const child = BigInt(String(jsonOf(await addUnder(guild.owner, area)).id));
  const own = BigInt(String(jsonOf(await addUnder(guild.owner, area)).id));
  await put(guild.owner, own, { ...hiding, deny: Permission.SEND_MESSAGES });
  await put(guild.owner, area, hiding);
  expect(told()).toEqual([
    ["CHANNEL_UPDATE", String(area)],
    ["CHANNEL_UPDATE", String(child)],
    ["CHANNEL_DELETE", String(area)],
    ["CHANNEL_DELETE", String(child)],
  ]);
  const value = DeleteOverwrite.fromPartial({ channelId: area, overwriteId: guild.id });
  await on.command(guild.owner, { $case: "deleteOverwrite", value });
  expect(told()).toEqual([
    ["CHANNEL_UPDATE", String(area)],
    ["CHANNEL_UPDATE", String(child)],
    ["CHANNEL_CREATE", String(area)],
    ["CHANNEL_CREATE", String(child)],
  ]);
  await edit(guild.owner, { channelId: area, overwrites: { overwrites: [hiding] } });
  const get = { $case: "getChannel" as const, value: GetChannel.fromPartial({ channelId: child }) };
  expect(await codeOf(on.read(guild.member, get))).toBe("MISSING_ACCESS");
  await edit(guild.owner, { channelId: area, name: "renamed" });
  expect(told()).toEqual([["CHANNEL_UPDATE", String(area)]]);
});

test("only text channels greet, and only voice channels are for who is away", async () => {
  const area = await addCategory([]);
  const set = (value: object) =>
    on.command(guild.owner, { $case: "editGuild", value: EditGuild.fromPartial({ guildId: guild.id, ...value }) });
  expect(await codeOf(set({ systemChannelId: area }))).toBe("INVALID_FORM");
  expect(await codeOf(set({ afkChannelId: guild.channelId }))).toBe("INVALID_FORM");
  expect(await codeOf(set({ systemChannelId: await addChannel(on, guild, "hall") }))).toBe("none");
});
