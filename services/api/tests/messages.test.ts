import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { botId, type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

let fleet: SmallFleet;
beforeAll(async () => {
  fleet = await startSmallFleet();
});
afterAll(async () => fleet[Symbol.asyncDispose]());
beforeEach(() => {
  fleet.router.onRead = () => ({});
});

const big = "9223372036854775807";
const bigId = 9223372036854775807n;

describe("messages", () => {
  test("keep every digit, and the kind of their nonce", async () => {
    const body = `{"content":"hi","nonce":${big},"enforce_nonce":true,"tts":false,"attachments":[],
      "allowed_mentions":{"parse":["roles"],"users":[${big},"7"],"replied_user":true},
      "message_reference":{"message_id":${big},"channel_id":"5"},"flags":4164}`;
    expect((await fleet.becomes("POST", "/channels/5/messages", body))[1]).toEqual({
      $case: "createMessage",
      value: {
        channelId: 5n,
        content: "hi",
        tts: false,
        nonceJson: big,
        enforceNonce: true,
        embedsJson: "",
        allowedMentions: { parse: ["roles"], users: [bigId, 7n], roles: [], repliedUser: true },
        reference: { messageId: bigId, failIfNotExists: true },
        flags: 4100,
      },
    });
    const [, textual] = await fleet.becomes("POST", "/channels/5/messages", { content: "hi", nonce: "7" });
    expect(textual).toMatchObject({ value: { nonceJson: '"7"', enforceNonce: false } });
  });

  test("keep of embeds what clients may set", async () => {
    const embed = {
      type: "image",
      title: "T",
      provider: { name: "x" },
      image: { url: "https://example.org/a.png", width: 5 },
      fields: [{ name: "n", value: "v" }],
      timestamp: "2026-01-02T03:04:05Z",
    };
    const [, body] = await fleet.becomes("POST", "/channels/5/messages", { embeds: [embed] });
    const { embedsJson } = (body as { value: { embedsJson: string } }).value;
    expect(JSON.parse(embedsJson)).toEqual([
      {
        type: "rich",
        title: "T",
        image: { url: "https://example.org/a.png" },
        fields: [{ name: "n", value: "v", inline: false }],
        timestamp: "2026-01-02T03:04:05.000000+00:00",
      },
    ]);
  });

  test("carry the request's id, actor and reason", async () => {
    const headers = { "x-audit-log-reason": encodeURIComponent("weil ☃") };
    await fleet.ask("DELETE", "/channels/5", { token: fleet.bot, headers });
    const { command, timeoutMs } = fleet.router.last();
    expect(command).toMatchObject({ reason: "weil ☃", actor: { applicationId: botId, profile: { id: botId } } });
    expect(((command?.requestId ?? 0n) >> 12n) & 1023n).toBe(7n);
    expect(timeoutMs).toBeGreaterThan(10_000);
  });

  test.each([
    [{}, 50006],
    [{ content: " \n" }, 50006],
    [{ content: "x".repeat(2001) }, 50035],
    [{ content: "x", embeds: Array.from({ length: 11 }, () => ({ title: "x" })) }, 50035],
    [{ embeds: [{ description: "x".repeat(4000) }, { description: "x".repeat(2001) }] }, 50035],
    [{ content: "x", allowed_mentions: { parse: ["users"], users: ["1"] } }, 50035],
    [{ content: "x", message_reference: { message_id: "1", channel_id: "6" } }, 50035],
    [{ content: "x", message_reference: { type: 1, message_id: "1" } }, 50035],
    [{ content: "x", nonce: "x".repeat(26) }, 50035],
    [{ content: "x", nonce: 1.5 }, 50035],
    [{ content: "x", poll: {} }, 50035],
    [{ content: "x", attachments: [{ id: 0 }] }, 50035],
  ])("refuses %j", async (body, code) => {
    const asked = fleet.router.seen.length;
    const answer = await fleet.ask("POST", "/channels/5/messages", { body });
    expect([answer.status, answer.json.code]).toEqual([400, code]);
    expect(fleet.router.seen.length).toBe(asked);
  });

  test("tell what is wrong with a field, and where", async () => {
    const body = { content: "x".repeat(2001), embeds: [{ fields: [{ name: "", value: "v".repeat(1025) }] }], tts: 1 };
    const { json } = await fleet.ask("POST", "/channels/5/messages", { body });
    const required = { code: "BASE_TYPE_REQUIRED", message: "This field is required" };
    const tooLong = (max: number) => ({ code: "BASE_TYPE_MAX_LENGTH", message: `Must be ${max} or fewer in length.` });
    expect(json).toEqual({
      message: "Invalid Form Body",
      code: 50035,
      errors: {
        content: { _errors: [tooLong(2000)] },
        embeds: { 0: { fields: { 0: { name: { _errors: [required] }, value: { _errors: [tooLong(1024)] } } } } },
        tts: { _errors: [{ code: "BOOLEAN_TYPE_CONVERT", message: "Must be either true or false." }] },
      },
    });
  });

  test("count code points, as people do", async () => {
    await fleet.becomes("POST", "/channels/5/messages", { content: "😀".repeat(2000) });
  });

  test("hide what bots without the intent may not read", async () => {
    const theirs = { id: "1", author: { id: "9" }, mentions: [], content: "secret", embeds: [{}], nonce: 1 };
    const own = { ...theirs, author: { id: String(botId) }, referenced_message: theirs };
    const mentioning = { ...theirs, mentions: [{ id: String(botId) }] };
    fleet.router.onRead = () => [theirs, own, mentioning];
    const hidden = { ...theirs, content: "", embeds: [] };
    const path = "/channels/5/messages";
    expect((await fleet.ask("GET", path, { token: fleet.bot })).json).toEqual([
      hidden,
      { ...own, referenced_message: hidden },
      mentioning,
    ]);
    expect((await fleet.ask("GET", path, { token: fleet.privilegedBot })).json).toEqual([theirs, own, mentioning]);
    expect((await fleet.ask("GET", path)).json).toEqual([theirs, own, mentioning]);
  });

  test("hide of a bot's own reply what it replies to", async () => {
    const theirs = { id: "1", author: { id: "9" }, mentions: [], content: "secret" };
    const own = { id: "2", author: { id: String(botId) }, mentions: [], content: "mine", referenced_message: theirs };
    fleet.router.onCommand = () => ({ json: Buffer.from(JSON.stringify(own)) });
    const body = { content: "mine", message_reference: { message_id: "1" } };
    const post = async (token?: string) =>
      (await fleet.ask("POST", "/channels/5/messages", { body, ...(token !== undefined && { token }) })).json;
    try {
      expect(await post(fleet.bot)).toEqual({ ...own, referenced_message: { ...theirs, content: "" } });
      expect(await post(fleet.privilegedBot)).toEqual(own);
      expect(await post()).toEqual(own);
    } finally {
      fleet.router.onCommand = () => ({});
    }
  });
});
