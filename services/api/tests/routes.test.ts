import { GuildhallError } from "@guildhall/errors";
import type { Command, Read } from "@guildhall/proto";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { personId, type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

let fleet: SmallFleet;
beforeAll(async () => {
  fleet = await startSmallFleet();
});
afterAll(async () => fleet[Symbol.asyncDispose]());
beforeEach(() => {
  fleet.router.onCommand = () => ({});
  fleet.router.onRead = () => ({});
});

const big = "9223372036854775807";
const bigId = 9223372036854775807n;

const ids = { guildId: 1n, userId: 2n, roleId: 3n };
const message = { channelId: 5n, messageId: 6n };

describe("what routes become", () => {
  test.each<[string, string, unknown, bigint, Command["body"] | Read["body"]]>([
    [
      "GET",
      "/guilds/1?with_counts=True",
      undefined,
      1n,
      { $case: "getGuild", value: { guildId: 1n, withCounts: true } },
    ],
    ["DELETE", "/guilds/1", undefined, 1n, { $case: "deleteGuild", value: { guildId: 1n } }],
    ["DELETE", "/users/@me/guilds/1", undefined, 1n, { $case: "leaveGuild", value: { guildId: 1n } }],
    ["GET", "/guilds/1/channels", undefined, 1n, { $case: "listChannels", value: { guildId: 1n } }],
    ["GET", "/guilds/1/roles", undefined, 1n, { $case: "listRoles", value: { guildId: 1n } }],
    ["GET", "/guilds/1/members/2", undefined, 1n, { $case: "getMember", value: { guildId: 1n, userId: 2n } }],
    [
      "GET",
      `/guilds/1/members?after=${big}&limit=1000`,
      undefined,
      1n,
      { $case: "listMembers", value: { guildId: 1n, after: bigId, limit: 1000 } },
    ],
    ["DELETE", "/guilds/1/members/2", undefined, 1n, { $case: "kickMember", value: { guildId: 1n, userId: 2n } }],
    ["PUT", "/guilds/1/members/2/roles/3", undefined, 1n, { $case: "grantRole", value: ids }],
    ["DELETE", "/guilds/1/members/2/roles/3", undefined, 1n, { $case: "revokeRole", value: ids }],
    ["DELETE", "/guilds/1/roles/3", undefined, 1n, { $case: "deleteRole", value: { guildId: 1n, roleId: 3n } }],
    ["GET", "/channels/5", undefined, 0n, { $case: "getChannel", value: { channelId: 5n } }],
    ["DELETE", "/channels/5", undefined, 0n, { $case: "deleteChannel", value: { channelId: 5n } }],
    [
      "PUT",
      "/channels/5/permissions/7",
      { type: 1, allow: String(2n ** 60n + 1024n) },
      0n,
      { $case: "putOverwrite", value: { channelId: 5n, overwrite: { id: 7n, type: 1, allow: 1024n, deny: 0n } } },
    ],
    [
      "DELETE",
      "/channels/5/permissions/7",
      undefined,
      0n,
      { $case: "deleteOverwrite", value: { channelId: 5n, overwriteId: 7n } },
    ],
    ["GET", "/invites/aBc-1", undefined, 0n, { $case: "getInvite", value: { code: "aBc-1", withCounts: false } }],
    ["POST", "/invites/aBc", undefined, 0n, { $case: "acceptInvite", value: { code: "aBc" } }],
    ["DELETE", "/invites/aBc", undefined, 0n, { $case: "deleteInvite", value: { code: "aBc" } }],
    [
      "GET",
      "/channels/5/messages?after=0",
      undefined,
      0n,
      { $case: "listMessages", value: { channelId: 5n, before: 0n, after: 1n, around: 0n, limit: 50 } },
    ],
    ["GET", "/channels/5/messages/6", undefined, 0n, { $case: "getMessage", value: message }],
    ["DELETE", "/channels/5/messages/6", undefined, 0n, { $case: "deleteMessage", value: message }],
    ["POST", "/channels/5/typing", undefined, 0n, { $case: "startTyping", value: { channelId: 5n } }],
    [
      "PUT",
      `/channels/5/messages/6/reactions/${encodeURIComponent("👍")}/@me`,
      undefined,
      0n,
      { $case: "addReaction", value: { ...message, emoji: { id: 0n, name: "👍" } } },
    ],
    [
      "DELETE",
      "/channels/5/messages/6/reactions/blob%3A77/@me",
      undefined,
      0n,
      { $case: "removeReaction", value: { ...message, emoji: { id: 77n, name: "blob" } } },
    ],
  ])("%s %s", async (method, path, body, topic, expected) => {
    expect(await fleet.becomes(method, path, body)).toEqual([topic, expected]);
  });

  test("a guild gets its id here, and is asked for by it", async () => {
    const [topic, body] = await fleet.becomes("POST", "/guilds", { name: " A guild " });
    expect(body).toEqual({ $case: "createGuild", value: { guildId: topic, name: "A guild" } });
    expect((topic >> 12n) & 1023n).toBe(7n);
  });

  test("patches name what changes; null clears", async () => {
    const guild = { name: "Two", description: null, afk_channel_id: null, system_channel_id: Number(5), icon: null };
    expect((await fleet.becomes("PATCH", "/guilds/1", guild))[1]).toEqual({
      $case: "editGuild",
      value: { guildId: 1n, name: "Two", description: "", afkChannelId: 0n, systemChannelId: 5n },
    });
    const channel = { topic: null, parent_id: null, nsfw: true, permission_overwrites: [{ id: 1, type: 0, deny: 8 }] };
    expect((await fleet.becomes("PATCH", "/channels/5", channel))[1]).toEqual({
      $case: "editChannel",
      value: {
        channelId: 5n,
        topic: "",
        parentId: 0n,
        nsfw: true,
        overwrites: { overwrites: [{ id: 1n, type: 0, allow: 0n, deny: 8n }] },
      },
    });
    const role = { permissions: "8", color: 1, colors: { primary_color: 2 }, hoist: null };
    expect((await fleet.becomes("PATCH", "/guilds/1/roles/3", role))[1]).toEqual({
      $case: "editRole",
      value: { guildId: 1n, roleId: 3n, permissions: 8n, color: 2 },
    });
    const edit = { content: null, embeds: [], flags: 4 };
    expect((await fleet.becomes("PATCH", "/channels/5/messages/6", edit))[1]).toEqual({
      $case: "editMessage",
      value: { ...message, content: "", embedsJson: "[]", flags: 4 },
    });
  });

  test("what is made has its defaults", async () => {
    expect((await fleet.becomes("POST", "/guilds/1/channels", { name: "general" }))[1]).toEqual({
      $case: "createChannel",
      value: {
        guildId: 1n,
        name: "general",
        type: 0,
        topic: "",
        parentId: 0n,
        nsfw: false,
        rateLimitPerUser: 0,
        bitrate: 64_000,
        userLimit: 0,
      },
    });
    // Without overwrites of its own a channel takes those of its category: libraries send an empty list for none.
    const synced = { name: "general", parent_id: "4", permission_overwrites: [] };
    const [, made] = await fleet.becomes("POST", "/guilds/1/channels", synced);
    expect(made).toMatchObject({ value: { parentId: 4n } });
    expect(made).not.toMatchObject({ value: { overwrites: expect.anything() } });
    expect((await fleet.becomes("POST", "/guilds/1/roles", {}))[1]).toEqual({
      $case: "createRole",
      value: { guildId: 1n, name: "new role", color: 0, hoist: false, mentionable: false },
    });
    expect((await fleet.becomes("POST", "/channels/5/invites", { max_age: 0 }))[1]).toEqual({
      $case: "createInvite",
      value: {
        channelId: 5n,
        code: expect.stringMatching(/^[A-Za-z0-9]{8}$/),
        maxAge: 0,
        maxUses: 0,
        temporary: false,
        unique: false,
      },
    });
  });
});

describe("answers", () => {
  test("are the owner's bytes and status", async () => {
    fleet.router.onCommand = () => ({ status: 201, json: Buffer.from('{"id": "1"}') });
    const answer = await fleet.ask("POST", "/guilds/1/channels", { body: { name: "x" } });
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([
      201,
      '{"id": "1"}',
      "application/json",
    ]);
    fleet.router.onCommand = () => ({ status: 204, json: Buffer.alloc(0) });
    const empty = await fleet.ask("POST", "/channels/5/typing");
    expect([empty.status, empty.text, empty.headers["content-type"]]).toEqual([204, "", undefined]);
  });

  test.each([
    [new GuildhallError("MISSING_PERMISSIONS", "x"), 403, { code: 50013, message: "Missing Permissions" }],
    [new GuildhallError("UNKNOWN_CHANNEL", "x"), 404, { code: 10003, message: "Unknown Channel" }],
    [new GuildhallError("MAX_CHANNELS", "x"), 400, { code: 30013 }],
    [new GuildhallError("UNAVAILABLE", "inner text"), 503, { code: 0, message: "503: Service Unavailable" }],
    [new GuildhallError("OUTCOME_UNKNOWN", "inner text"), 504, { code: 0, message: "504: Gateway Timeout" }],
    [new Error("inner text"), 500, { code: 0, message: "500: Internal Server Error" }],
    [
      new GuildhallError("SLOWMODE", "x", { retryAfterMs: 2500 }),
      429,
      { code: 20016, retry_after: 2.5, global: false },
    ],
  ])("tell of a refusal: %s", async (error, status, body) => {
    fleet.router.onCommand = () => {
      throw error;
    };
    const answer = await fleet.ask("DELETE", "/channels/5");
    expect([answer.status, answer.json]).toEqual([status, expect.objectContaining(body)]);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["retry-after"] !== undefined).toBe(status === 503 || status === 429);
    expect(answer.text).not.toContain("inner text");
  });

  test("name the owner's fields", async () => {
    const fields = [{ path: ["permission_overwrites", "0", "id"], code: "UNKNOWN", message: "No." }];
    fleet.router.onCommand = () => {
      throw new GuildhallError("INVALID_FORM", "x", { fields });
    };
    const { json } = await fleet.ask("PATCH", "/channels/5", { body: { name: "x" } });
    expect(json.errors.permission_overwrites["0"].id._errors).toEqual([{ code: "UNKNOWN", message: "No." }]);
  });

  test("wait for a router that comes back, with the same request", async () => {
    fleet.router.onCommand = () => new Promise(() => {});
    const answer = fleet.ask("POST", "/channels/5/messages", { body: { content: "once" } });
    await waitFor(() => fleet.router.last().command?.body?.$case === "createMessage");
    const before = fleet.router.last().command;
    await fleet.restartRouter();
    expect((await answer).status).toBe(200);
    expect(fleet.router.last().command).toEqual(before);
  });

  test("invites may be read by anybody, but not with a wrong token", async () => {
    expect((await fleet.ask("GET", "/invites/abc", { token: "" })).status).toBe(200);
    expect(fleet.router.last().read?.actor).toBeUndefined();
    expect((await fleet.ask("GET", "/invites/abc", { token: "wrong" })).status).toBe(401);
    expect((await fleet.ask("GET", "/invites/a$b")).json.code).toBe(10006);
  });

  test("a role is picked from the list", async () => {
    fleet.router.onRead = () => [{ id: "2" }, { id: "3", name: "x" }];
    expect((await fleet.ask("GET", "/guilds/1/roles/3")).json).toEqual({ id: "3", name: "x" });
    expect((await fleet.ask("GET", "/guilds/1/roles/4")).json.code).toBe(10011);
  });

  test("who joins is answered once the accounts know of it, and also when they do not come to know", async () => {
    let isKnown = false;
    fleet.router.onCommand = () => {
      setTimeout(() => {
        isKnown = true;
        fleet.user.setMemberships(personId, [55n]);
      }, 20);
      return { json: Buffer.from('{"guild":{"id":"55"}}') };
    };
    expect((await fleet.ask("POST", "/invites/abc")).status).toBe(200);
    expect(isKnown).toBe(true);
    fleet.user.setMemberships(personId, []);
    fleet.router.onCommand = () => ({ json: Buffer.from('{"guild":{"id":"56"}}') });
    expect((await fleet.ask("POST", "/invites/abc")).json).toEqual({ guild: { id: "56" } });
  });

  test("one's guilds come ascending, by pages, without those just left", async () => {
    fleet.user.setMemberships(personId, [30n, 10n, 20n, 40n]);
    fleet.router.onRead = ({ body }) => {
      const id = body?.$case === "getPartialGuild" ? body.value.guildId : 0n;
      if (id === 20n) throw new GuildhallError("UNKNOWN_GUILD", "gone");
      return { id: String(id) };
    };
    const page = async (query: string) =>
      (await fleet.ask("GET", `/users/@me/guilds${query}`)).json.map(({ id }: { id: string }) => id);
    expect(await page("")).toEqual(["10", "30", "40"]);
    expect(await page("?limit=1&after=20")).toEqual(["30"]);
    expect(await page("?limit=1&before=40")).toEqual(["30"]);
    expect(fleet.router.last().read?.body).toEqual({
      $case: "getPartialGuild",
      value: { guildId: 30n, withCounts: false },
    });
    await page("?limit=1&with_counts=true");
    expect(fleet.router.last().read?.body).toMatchObject({ value: { withCounts: true } });
    expect((await fleet.ask("GET", "/users/@me/guilds?limit=201")).json.errors.limit._errors[0].code).toBe(
      "NUMBER_TYPE_MAX",
    );
  });

  test("unknown emoji are unknown", async () => {
    const { status, json } = await fleet.ask("PUT", "/channels/5/messages/6/reactions/nope/@me");
    expect([status, json.code]).toEqual([404, 10014]);
  });
});
