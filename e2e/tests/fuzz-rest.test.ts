import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage, APIRole } from "discord-api-types/v10";
import fc from "fast-check";
import { openRawSocket } from "../src/raw-socket.ts";
import type { Rest, RestAnswer } from "../src/rest.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { type Bystander, makeBystander, stateOf } from "../src/untouched.ts";

let stage: Stage;
let bystander: Bystander;
/** Requests that would change something, if their bodies were right. */
let targets: (readonly [method: string, path: string])[] = [];

beforeAll(async () => {
  stage = await setStage();
  bystander = await makeBystander(stage);
  const { owner, member, guild } = stage;
  const message = await stage.post("a target");
  const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "a target" });
  const { id: channelId } = await stage.channel({ name: "a-target" });
  targets = [
    ["PATCH", `/guilds/${guild.id}`],
    ["POST", `/guilds/${guild.id}/channels`],
    ["PATCH", `/channels/${channelId}`],
    ["PUT", `/channels/${channelId}/permissions/${member.id}`],
    ["POST", `/guilds/${guild.id}/roles`],
    ["PATCH", `/guilds/${guild.id}/roles/${role.id}`],
    ["POST", `/channels/${channelId}/invites`],
    ["POST", `/channels/${channelId}/messages`],
    ["PATCH", `/channels/${guild.channelId}/messages/${message.id}`],
    ["PUT", `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`],
  ];
});

afterAll(async () => {
  await bystander?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

afterEach(() => bystander.check());

/** Checks that an answer is clear, and that it changed nothing unless it says so. */
async function expectClear(ask: () => Promise<RestAnswer>, before: unknown): Promise<RestAnswer> {
  const answer = await ask();
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toMatch(/\bat .*\.ts:\d+/);
  if (answer.status >= 400) {
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.body).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
    expect(await stateOf(stage)).toEqual(before);
  }
  return answer;
}

const json = { "content-type": "application/json" };

test("malformed JSON, other encodings and wrong types of bodies are refused, and change nothing", async () => {
  const before = await stateOf(stage);
  const bodies = [
    "{",
    "}",
    '{"name":',
    "{'name':'x'}",
    '{"name":"x"}trailing',
    "\u0000",
    "nul",
    "1e999999",
    '"just a text"',
    "[]",
    "12",
    "true",
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from('{"name":"\xff\xfe"}', "latin1"),
    `{"permissions":${"9".repeat(5_000)}}`,
  ];
  for (const raw of bodies) {
    const create = () =>
      stage.owner.rest.send("POST", `/guilds/${stage.guild.id}/channels`, undefined, { raw, headers: json });
    expect((await expectClear(create, before)).status).toBe(400);
  }
  for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/xml", "application/json-patch"]) {
    const create = () =>
      stage.owner.rest.send("POST", `/guilds/${stage.guild.id}/channels`, undefined, {
        raw: '{"name":"typed"}',
        headers: { "content-type": type },
      });
    expect((await expectClear(create, before)).status).toBe(400);
  }
  // Half a character becomes a replacement, and a prototype is nothing to send.
  const raw = '{"name":"half \\ud800","__proto__":{"type":4},"constructor":{"type":4}}';
  const made = await stage.owner.rest.send("POST", `/guilds/${stage.guild.id}/channels`, undefined, {
    raw,
    headers: json,
  });
  expect(made.body).toMatchObject({ name: "half \ufffd", type: 0 });
});

test("10,000 levels of nesting are refused", async () => {
  const before = await stateOf(stage);
  const depth = 10_000;
  const bodies = [
    `${"[".repeat(depth)}${"]".repeat(depth)}`,
    `${'{"embeds":'.repeat(depth)}1${"}".repeat(depth)}`,
    `{"embeds":${"[".repeat(depth)}${"]".repeat(depth)}}`,
    "[".repeat(depth),
  ];
  for (const [method, path] of targets.filter(([each]) => each !== "PUT")) {
    for (const raw of bodies) {
      const answer = await expectClear(
        () => stage.owner.rest.send(method, path, undefined, { raw, headers: json }),
        before,
      );
      expect([answer.status, (answer.body as { code: number }).code]).toEqual([400, 50109]);
    }
  }
});

test("huge bodies, headers and addresses are refused", async () => {
  const before = await stateOf(stage);
  const { rest } = stage.owner;
  const path = `/channels/${stage.guild.channelId}/messages`;
  const large = JSON.stringify({ content: "x".repeat(2 * 1024 * 1024) });
  // The answer may come while the body is still on its way, and the connection then ends.
  const sent = await rest.send("POST", path, undefined, { raw: large }).catch((error: NodeJS.ErrnoException) => error);
  if (sent instanceof Error) expect(["ECONNRESET", "EPIPE"]).toContain(sent.code);
  else expect([sent.status, (sent.body as { code: number }).code]).toEqual([413, 40005]);
  const headers = await rest
    .send("GET", "/users/@me", undefined, { headers: { "x-filler": "x".repeat(100_000) } })
    .catch((error: NodeJS.ErrnoException) => error);
  if (!(headers instanceof Error)) expect(headers.status).toBe(431);
  expect((await rest.send("GET", `/users/${"1".repeat(5_000)}`)).status).toBe(414);
  expect((await rest.send("GET", `/users/${"1".repeat(300)}`)).status).toBeLessThan(500);
  expect(await stateOf(stage)).toEqual(before);
});

test("forms with fields of any type are taken or refused whole", async () => {
  const names = [
    ...["name", "type", "topic", "parent_id", "permission_overwrites", "position", "nsfw", "allow", "deny", "id"],
    ...["content", "nonce", "enforce_nonce", "embeds", "allowed_mentions", "message_reference", "flags", "attachments"],
    ...["permissions", "color", "colors", "hoist", "mentionable", "max_age", "max_uses", "unique", "temporary"],
    ...["owner_id", "description", "verification_level", "afk_channel_id", "afk_timeout", "system_channel_flags"],
  ];
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(
      "",
      " ",
      "0",
      "-1",
      "1e9",
      "null",
      "\u0000",
      "\ud800",
      "x".repeat(5_000),
      "99999999999999999999999",
    ),
    fc.integer(),
    fc.double(),
    fc.constantFrom(null, true, false, [], {}, -1, 2 ** 31, 2 ** 53, [null], [[]], [{}], { id: {} }),
  );
  const form = fc.oneof(fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 6 }), odd);
  const callers: readonly (() => Rest)[] = [() => stage.owner.rest, () => stage.member.rest, () => stage.bot.rest];
  let before = await stateOf(stage);
  await fc.assert(
    fc.asyncProperty(fc.nat(targets.length - 1), form, fc.nat(2), async (at, body, who) => {
      const [method, path] = targets[at] as readonly [string, string];
      const rest = (callers[who] as () => Rest)();
      const answer = await expectClear(() => rest.send(method, path, body), before);
      if (answer.status < 400) before = await stateOf(stage);
    }),
    { numRuns: 200 },
  );
}, 120_000);

test("odd paths and queries are refused, never failed on", async () => {
  const before = await stateOf(stage);
  const piece = fc.oneof(
    fc.constantFrom("@me", "0", "-1", "1".repeat(25), "%00", "%ff", "%", "..", ".", "%2e%2e", "%2f", "a b", "{}", "'"),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String),
  );
  const pattern = fc.constantFrom(
    "/guilds/?",
    "/channels/?",
    "/channels/?/messages/?",
    "/channels/?/messages/?/reactions/?/@me",
    "/invites/?",
    "/users/?",
    "/?",
    "/channels/?/messages?limit=?&before=?",
    "/guilds/?/members?limit=?&after=?",
  );
  await fc.assert(
    fc.asyncProperty(pattern, fc.array(piece, { minLength: 4, maxLength: 4 }), async (text, pieces) => {
      let at = 0;
      // What cannot stand in a request line is escaped, as every client has to.
      const path = text.replace(/\?(?=[/&]|$)/g, () => (pieces[at++] ?? "").replace(/[^\x21-\x7e]/gu, encodeLoose));
      await expectClear(() => stage.member.rest.send("GET", path), before);
    }),
    { numRuns: 150 },
  );
});

function encodeLoose(text: string): string {
  return Buffer.from(text).toString("hex").replace(/../g, "%$&");
}

test("what is no HTTP is refused, and the connection closed", async () => {
  const garbage = [
    "\r\n\r\n\r\n",
    "NONSENSE\r\n\r\n",
    "GET\r\n\r\n",
    "GET /api/v10/gateway HTTP/9.9\r\n\r\n",
    "GET /api/v10/gateway HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /api/v10/guilds HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "POST /api/v10/guilds HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    "GET /api/v10/gateway HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
    Buffer.alloc(100_000, 0xff),
  ];
  for (const bytes of garbage) {
    using raw = await openRawSocket(stage.fleet.endpoints.api);
    raw.write(bytes);
    raw.socket.end();
    await raw.untilClosed();
    expect(raw.received.toString("latin1")).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
    await bystander.check();
  }
});

test("half-open and slow connections keep nobody else waiting", async () => {
  const { api } = stage.fleet.endpoints;
  const raws = await Promise.all(Array.from({ length: 200 }, () => openRawSocket(api)));
  for (const [at, raw] of raws.entries()) {
    if (at % 3 === 1) raw.write("POST /api/v10/guilds HTTP/1.1\r\nHost: x\r\n");
    if (at % 3 === 2) {
      const head = ["POST /api/v10/guilds HTTP/1.1", "Host: x", `Authorization: ${stage.owner.token}`];
      raw.write(`${[...head, "Content-Type: application/json", "Content-Length: 1000"].join("\r\n")}\r\n\r\n{`);
    }
  }
  await bystander.check();
  const posted = await stage.owner.rest.post<APIMessage>(`/channels/${stage.guild.channelId}/messages`, {
    content: "on",
  });
  expect(posted.content).toBe("on");
  for (const raw of raws) raw[Symbol.dispose]();
});
