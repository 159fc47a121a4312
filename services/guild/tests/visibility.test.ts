import { Permission } from "@guildhall/permissions";
import {
  CreateRole,
  DeleteOverwrite,
  type Dispatch,
  EditRole,
  GetChannel,
  GrantRole,
  Join,
  JoinView,
  ListChannels,
  ListMessages,
  type Overwrite,
  PutOverwrite,
  RevokeRole,
} from "@guildhall/proto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Fleet, type FleetHost, jsonOf, unwrap } from "./fleet.ts";
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

const typesOf = (dispatches: readonly Dispatch[] | undefined) =>
  dispatches?.map(({ type, audience }) => `${type} ${audience?.of?.$case}`);
const lastDispatches = () =>
  typesOf(
    on
      .events()
      .at(-1)
      ?.dispatches.filter(({ type }) => !type.startsWith("GUILD_AUDIT")),
  );

async function join(userId: bigint, view: JoinView = JoinView.JOIN_VIEW_OWN_MEMBER) {
  const value = Join.fromPartial({ guildId: guild.id, users: [{ userId, view }], wantShape: true });
  return unwrap(await on.ask({ $case: "join", value }), "join");
}

async function makeRole(permissions: bigint): Promise<bigint> {
  const value = CreateRole.fromPartial({ guildId: guild.id, name: "r", permissions });
  return BigInt(String(jsonOf(await on.command(guild.owner, { $case: "createRole", value })).id));
}

test("a hidden channel is absent for who may not see it, and access to it is missing", async () => {
  const hidden = await addChannel(on, guild, "hidden", [hiding]);
  const list = { $case: "listChannels" as const, value: ListChannels.fromPartial({ guildId: guild.id }) };
  const names = async (who: typeof guild.owner) =>
    ((await on.read(who, list)) as { name: string }[]).map((c) => c.name);
  expect(await names(guild.member)).toEqual(["Text Channels", "general"]);
  expect(await names(guild.owner)).toEqual(["Text Channels", "general", "hidden"]);
  const get = { $case: "getChannel" as const, value: GetChannel.fromPartial({ channelId: hidden }) };
  expect(await codeOf(on.read(guild.member, get))).toBe("MISSING_ACCESS");
  expect(await codeOf(say(on, guild.member, hidden, "x"))).toBe("MISSING_ACCESS");
  const history = { $case: "listMessages" as const, value: ListMessages.fromPartial({ channelId: hidden }) };
  expect(await codeOf(on.read(guild.member, history))).toBe("MISSING_ACCESS");
  const { snapshots } = await join(guild.member.id);
  expect(snapshots[0]?.openJson.toString()).not.toContain("hidden");
});

test("a snapshot with what the gateway appends is a whole GUILD_CREATE", async () => {
  const { users, snapshots, shape, head } = await join(guild.member.id, JoinView.JOIN_VIEW_MEMBERS);
  const [user] = users;
  expect(user).toMatchObject({ member: true, snapshot: 0, roleIds: [] });
  const [snapshot] = snapshots;
  expect(snapshot?.members.map(({ userId }) => userId)).toEqual([guild.owner.id, guild.member.id]);
  const whole = JSON.parse(`${snapshot?.openJson},"joined_at":"${user?.joinedAt}","members":[${user?.memberJson}]}`);
  expect(whole).toMatchObject({ unavailable: false, member_count: 2, afk_timeout: 300, nsfw_level: 0, large: false });
  expect(whole.channels).toHaveLength(2);
  expect(whole.channels[0].guild_id).toBeUndefined();
  expect(whole.members[0].user.id).toBe(String(guild.member.id));
  expect(shape?.channels).toHaveLength(2);
  expect(head?.seq).toBe(BigInt(fleet.journal.records.length));
});

test("strangers get no snapshot", async () => {
  expect((await join(5n)).users[0]).toMatchObject({ member: false });
});

test("a snapshot is rendered once for equal views, for a second, until views change", async () => {
  await join(guild.member.id);
  await join(guild.member.id);
  await join(guild.owner.id);
  expect(on.host?.stats).toMatchObject({ snapshotsRendered: 2, snapshotsReused: 1 });
  await say(on, guild.owner, guild.channelId, "does not matter");
  await join(guild.member.id);
  expect(on.host?.stats).toMatchObject({ snapshotsRendered: 2, snapshotsReused: 2 });
  await makeRole(0n);
  await join(guild.member.id);
  expect(on.host?.stats.snapshotsRendered).toBe(3);
  await fleet.time.advanceAsync(1_100);
  await join(guild.member.id);
  expect(on.host?.stats.snapshotsRendered).toBe(4);
});

test("a join shows only what is durable", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { append } = fleet.journal;
  fleet.journal.append = async (request) => {
    await held;
    return append.call(fleet.journal, request);
  };
  const made = addChannel(on, guild, "new");
  await fleet.time.advanceAsync(0);
  let joined = false;
  const joining = join(guild.member.id).finally(() => {
    joined = true;
  });
  await fleet.time.advanceAsync(0);
  expect(joined).toBe(false);
  release();
  await made;
  expect((await joining).snapshots[0]?.openJson.toString()).toContain(`"new"`);
});

test("hiding a channel tells who loses it, and showing it who gains it", async () => {
  const value = PutOverwrite.fromPartial({ channelId: guild.channelId, overwrite: hiding });
  await on.command(guild.owner, { $case: "putOverwrite", value });
  expect(lastDispatches()).toEqual([
    "CHANNEL_UPDATE channel",
    // From open to hidden for some: nobody can gain it.
    "CHANNEL_DELETE lostChannel",
  ]);
  const remove = DeleteOverwrite.fromPartial({ channelId: guild.channelId, overwriteId: guild.id });
  await on.command(guild.owner, { $case: "deleteOverwrite", value: remove });
  expect(lastDispatches()).toEqual(["CHANNEL_UPDATE channel", "CHANNEL_CREATE gainedChannel"]);
});

test("a role that shows a channel is gained with it, and lost with it", async () => {
  const role = await makeRole(0n);
  const channelId = await addChannel(on, guild, "hidden", [
    hiding,
    { id: role, type: 0, allow: Permission.VIEW_CHANNEL, deny: 0n },
  ]);
  const change = { guildId: guild.id, userId: guild.member.id, roleId: role };
  await on.command(guild.owner, { $case: "grantRole", value: GrantRole.fromPartial(change) });
  expect(lastDispatches()).toEqual(["GUILD_MEMBER_UPDATE everyone", "CHANNEL_CREATE gainedChannel"]);
  const [update, created] =
    on
      .events()
      .at(-1)
      ?.dispatches.filter(({ type }) => !type.startsWith("GUILD_AUDIT")) ?? [];
  expect(update?.intentExemptUsers).toEqual([guild.member.id]);
  expect(created?.audience?.of?.value).toBe(channelId);
  await on.command(guild.owner, { $case: "revokeRole", value: RevokeRole.fromPartial(change) });
  expect(lastDispatches()).toEqual(["GUILD_MEMBER_UPDATE everyone", "CHANNEL_DELETE lostChannel"]);
});

test("taking VIEW_CHANNEL from @everyone loses every channel", async () => {
  const value = EditRole.fromPartial({ guildId: guild.id, roleId: guild.id, permissions: Permission.SEND_MESSAGES });
  await on.command(guild.owner, { $case: "editRole", value });
  expect(lastDispatches()).toEqual([
    "GUILD_ROLE_UPDATE everyone",
    "CHANNEL_DELETE lostChannel",
    "CHANNEL_DELETE lostChannel",
  ]);
});

test("who may not read history gets an empty page", async () => {
  const overwrite = { id: guild.id, type: 0, allow: 0n, deny: Permission.READ_MESSAGE_HISTORY };
  const value = PutOverwrite.fromPartial({ channelId: guild.channelId, overwrite });
  await on.command(guild.owner, { $case: "putOverwrite", value });
  const history = { $case: "listMessages" as const, value: ListMessages.fromPartial({ channelId: guild.channelId }) };
  expect(await on.read(guild.member, history)).toMatchObject({ empty: true, tail: [] });
});
