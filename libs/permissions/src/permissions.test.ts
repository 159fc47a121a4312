import { permissionRows } from "@guildhall/protocol";
import { describe, expect, test } from "@jest/globals";
import { overwritten } from "./compute.ts";
import {
  allPermissions,
  basePermissions,
  type ChannelKind,
  canActOn,
  canActOnRole,
  channelPermissions,
  compareRoles,
  defaultEveryonePermissions,
  formatPermissions,
  highestRole,
  kindOfChannelType,
  type Overwrite,
  Permission,
  parsePermissions,
} from "./index.ts";
import vectors from "./vectors.json" with { type: "json" };

type Guild = (typeof vectors)[number];

function memberOf(guild: Guild, id: string) {
  const found = guild.members.find((member) => member.id === id);
  const permissions = new Map(guild.roles.map((role) => [BigInt(role.id), BigInt(role.permissions)]));
  const member = {
    guildId: BigInt(guild.id),
    ownerId: BigInt(guild.owner_id),
    userId: BigInt(id),
    roleIds: (found?.roles ?? []).map(BigInt),
    timedOut: found?.timeout ?? false,
  };
  const rolePermissions = (roleId: bigint) => permissions.get(roleId);
  return { ...member, base: basePermissions({ ...member, timedOut: false, rolePermissions }) };
}

function overwritesOf(guild: Guild, id: string): Overwrite[] {
  const channel = guild.channels.find((one) => one.id === id);
  return (channel?.permission_overwrites ?? []).map(({ id, type, allow, deny }) => ({
    id: BigInt(id),
    kind: type === 0 ? "role" : "member",
    allow: BigInt(allow),
    deny: BigInt(deny),
  }));
}

const cases = vectors.flatMap((guild) => guild.expect.map((expected) => ({ guild, ...expected })));

describe("the reference vectors", () => {
  test("are 144", () => {
    expect(cases).toHaveLength(144);
  });

  test.each(cases)(
    "agree for member $member in channel $channel",
    ({ guild, channel, member, raw, effective_text }) => {
      const subject = {
        ...memberOf(guild, member),
        overwrites: overwritesOf(guild, channel),
        channelKind: "text" as const,
      };
      const isAdmin = subject.base === allPermissions;
      expect(isAdmin ? subject.base : overwritten(subject)).toBe(BigInt(raw));
      expect(channelPermissions(subject)).toBe(BigInt(effective_text));
    },
  );
});

const { VIEW_CHANNEL, SEND_MESSAGES, READ_MESSAGE_HISTORY, ADMINISTRATOR, CONNECT, SPEAK, EMBED_LINKS } = Permission;
const member = { guildId: 1n, ownerId: 9n, userId: 5n, roleIds: [2n, 3n] };
const inChannel = (base: bigint, overwrites: Overwrite[] = [], channelKind: ChannelKind = "text", timedOut = false) =>
  channelPermissions({ ...member, base, overwrites, channelKind, timedOut });
const role = (id: bigint, allow: bigint, deny: bigint): Overwrite => ({ id, kind: "role", allow, deny });

describe("basePermissions", () => {
  const rolePermissions = (id: bigint) =>
    new Map([
      [1n, VIEW_CHANNEL],
      [2n, SEND_MESSAGES],
      [4n, ADMINISTRATOR],
    ]).get(id);

  test("joins @everyone with the member's roles, and passes over roles that are gone", () => {
    expect(basePermissions({ ...member, rolePermissions })).toBe(VIEW_CHANNEL | SEND_MESSAGES);
  });

  test("gives the owner and administrators everything, timed out or not", () => {
    const timedOut = { ...member, rolePermissions, timedOut: true };
    expect(basePermissions({ ...timedOut, ownerId: 5n })).toBe(allPermissions);
    expect(basePermissions({ ...timedOut, roleIds: [4n] })).toBe(allPermissions);
    expect(basePermissions(timedOut)).toBe(VIEW_CHANNEL);
  });
});

describe("channelPermissions", () => {
  const talk = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | EMBED_LINKS;

  test("lets one role's allow beat another's deny, and the member's own overwrite beat both", () => {
    const roles = [role(2n, 0n, SEND_MESSAGES), role(3n, SEND_MESSAGES, 0n)];
    expect(inChannel(talk, roles) & SEND_MESSAGES).toBe(SEND_MESSAGES);
    const own: Overwrite = { id: 5n, kind: "member", allow: 0n, deny: SEND_MESSAGES };
    expect(inChannel(talk, [own, ...roles]) & SEND_MESSAGES).toBe(0n);
  });

  test("takes no member for a role of the same id, nor a role for a member", () => {
    expect(inChannel(talk, [{ id: 2n, kind: "member", allow: 0n, deny: talk }, role(5n, 0n, talk)])).toBe(talk);
  });

  test("gives nothing without VIEW_CHANNEL, and no administration by overwrite", () => {
    expect(inChannel(talk, [role(1n, 0n, VIEW_CHANNEL)])).toBe(0n);
    expect(inChannel(talk, [role(1n, ADMINISTRATOR, SEND_MESSAGES)]) & SEND_MESSAGES).toBe(0n);
  });

  test("leaves a timed out member sight and history only", () => {
    expect(inChannel(talk, [role(2n, CONNECT, 0n)], "text", true)).toBe(VIEW_CHANNEL | READ_MESSAGE_HISTORY);
    expect(inChannel(allPermissions, [], "text", true)).toBe(allPermissions);
  });

  test("takes what needs sending with it, which in threads is another bit", () => {
    expect(inChannel(VIEW_CHANNEL | EMBED_LINKS)).toBe(VIEW_CHANNEL);
    expect(inChannel(talk, [], "thread") & EMBED_LINKS).toBe(0n);
    const inThreads = Permission.SEND_MESSAGES_IN_THREADS | EMBED_LINKS | VIEW_CHANNEL;
    expect(inChannel(inThreads, [], "thread")).toBe(inThreads);
  });

  test.each<ChannelKind>(["voice", "stage"])("takes what needs connecting with it in a %s channel", (kind) => {
    expect(inChannel(talk | SPEAK | Permission.MANAGE_CHANNELS, [], kind)).toBe(talk);
    expect(inChannel(talk | SPEAK | CONNECT, [], kind)).toBe(talk | SPEAK | CONNECT);
    expect(inChannel(talk | SPEAK) & SPEAK).toBe(SPEAK);
  });

  test("tells kinds by the API's channel types", () => {
    const kinds = [0, 2, 4, 5, 10, 11, 12, 13, 15, 16].map(kindOfChannelType);
    const threads = ["thread", "thread", "thread"];
    expect(kinds).toEqual(["text", "voice", "category", "text", ...threads, "stage", "text", "text"]);
  });
});

describe("Permission", () => {
  test("has every bit of the protocol by its name, and no other", () => {
    expect(Object.entries(Permission)).toEqual(permissionRows.map(({ name, bit }) => [name, 1n << BigInt(bit)]));
    expect(allPermissions).toBe(8_866_461_766_385_663n);
    expect(defaultEveryonePermissions & ~allPermissions).toBe(0n);
  });

  test("reads text, numbers and bigints, and drops unknown bits", () => {
    expect(["1024", 1024, 1024n, formatPermissions(1024n)].map(parsePermissions)).toEqual(Array(4).fill(VIEW_CHANNEL));
    expect(parsePermissions((1n << 47n) | (1n << 60n) | 1n)).toBe(1n);
    expect(["", "-1", "1.5", "0x1", -1, 1.5, 2 ** 60, -1n, null].map(parsePermissions)).toEqual(
      Array(9).fill(undefined),
    );
  });
});

describe("hierarchy", () => {
  const low = { id: 30n, position: 1 };
  const high = { id: 20n, position: 2 };
  const older = { id: 10n, position: 2 };

  test("ranks by position, and of equal positions the lower id higher", () => {
    expect([low, older, high].sort(compareRoles)).toEqual([low, high, older]);
    expect(highestRole([low, older, high])).toBe(older);
    expect(highestRole([])).toBeUndefined();
    expect(compareRoles(low, { ...low })).toBe(0);
  });

  test("lets members act on those strictly below, and nobody on the owner or oneself", () => {
    const ranked = (userId: bigint, highest?: typeof low) => ({ userId, highest });
    const [owner, a, b, plain] = [ranked(9n), ranked(1n, older), ranked(2n, high), ranked(3n, undefined)];
    expect([canActOn(9n, a, b), canActOn(9n, b, a), canActOn(9n, a, a)]).toEqual([true, false, false]);
    expect([canActOn(9n, a, owner), canActOn(9n, owner, a), canActOn(9n, owner, owner)]).toEqual([false, true, false]);
    expect([canActOn(9n, b, plain), canActOn(9n, plain, ranked(4n)), canActOn(9n, plain, b)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("lets members touch roles strictly below their highest, and the owner all", () => {
    const b = { userId: 2n, highest: high };
    expect([low, high, older].map((one) => canActOnRole(9n, b, one))).toEqual([true, false, false]);
    expect(canActOnRole(9n, { userId: 9n, highest: undefined }, older)).toBe(true);
    expect(canActOnRole(9n, { userId: 3n, highest: undefined }, low)).toBe(false);
  });
});
