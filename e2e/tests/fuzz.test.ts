import { randomInt } from "node:crypto";
import { validIntentsMask } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Form, makeForms, oddValue, spoiled } from "../src/fuzz-forms.ts";
import { openGatewaySocket } from "../src/gateway-socket.ts";
import { messagesSeen, numberingProblems } from "../src/history-check.ts";
import { clientFrame, openRawSocket, openRawWebSocket } from "../src/raw-socket.ts";
import type { RestAnswer } from "../src/rest.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { type Bystander, makeBystander, stateOf } from "../src/untouched.ts";

let stage: Stage;
let bystander: Bystander;
let forms: readonly Form[];

beforeAll(async () => {
  stage = await setStage();
  bystander = await makeBystander(stage);
  forms = await makeForms(stage);
});

afterAll(async () => {
  await bystander?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

afterEach(() => bystander.check());

/** All that REST shows of the guild and of who asks. */
async function worldOf({ owner, member, guild }: Stage): Promise<unknown> {
  return {
    state: await stateOf(stage),
    me: await member.rest.get("/users/@me"),
    guilds: await owner.rest.get("/users/@me/guilds"),
    invite: await owner.rest.get(`/invites/${guild.invite}`),
  };
}

/** Checks that a refusal is one of Discord's, with the path to the field where there is one. */
function expectRefusal({ status, headers, body, text }: RestAnswer): void {
  expect([status, text]).toEqual([expect.any(Number), expect.not.stringMatching(/\bat .*\.ts:\d+|node:internal/)]);
  expect(status).toBeLessThan(500);
  expect(headers["content-type"]).toBe("application/json");
  expect(body).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
  const { code, errors } = body as { code: number; errors?: unknown };
  if (code === 50035) expect(JSON.stringify(errors)).toMatch(/"_errors":\[\{"code":"[A-Z_]+","message":"/);
}

/** Waits until a new guild is in its owner's list, which is brought up a moment after the guild is there. */
async function listed(id: string): Promise<void> {
  await waitFor(async () => {
    const guilds = await stage.owner.rest.get<{ id: string }[]>("/users/@me/guilds");
    return guilds.some((guild) => guild.id === id);
  });
}

test("every form, as it is, is taken", async () => {
  for (const { method, path, body } of forms) {
    const { status, text } = await stage.owner.rest.send(method, path, body);
    expect([method, path, status < 300 ? "taken" : text]).toEqual([method, path, "taken"]);
    if (path === "/guilds") await listed((JSON.parse(text) as { id: string }).id);
  }
});

test("every form with one thing in it spoiled is taken, or refused without a trace", async () => {
  let before = await worldOf(stage);
  for (const { method, path, body } of forms) {
    await fc.assert(
      fc.asyncProperty(spoiled(body), async (sent) => {
        const answer = await stage.owner.rest.send(method, path, sent);
        if (answer.status < 300) {
          if (path === "/guilds") await listed((answer.body as { id: string }).id);
          before = await worldOf(stage);
          return;
        }
        expectRefusal(answer);
        expect(await worldOf(stage)).toEqual(before);
      }),
      { numRuns: 25, endOnFailure: true },
    );
    await bystander.check();
  }
}, 120_000);

test("what is not there, or is no id, is refused by every route", async () => {
  const { guild, member } = stage;
  const real: Readonly<Record<string, string>> = { g: guild.id, c: guild.channelId, u: member.id };
  const routes = [
    ...["GET /users/?", "DELETE /users/@me/guilds/?", "GET /guilds/?", "PATCH /guilds/?", "DELETE /guilds/?"],
    ...["GET /guilds/?/channels", "POST /guilds/?/channels", "GET /guilds/?/roles", "GET /guilds/{g}/roles/?"],
    ...["POST /guilds/?/roles", "PATCH /guilds/{g}/roles/?", "DELETE /guilds/{g}/roles/?", "GET /guilds/?/members"],
    ...["GET /guilds/{g}/members/?", "DELETE /guilds/{g}/members/?", "PUT /guilds/{g}/members/{u}/roles/?"],
    ...["DELETE /guilds/{g}/members/{u}/roles/?", "GET /channels/?", "PATCH /channels/?", "DELETE /channels/?"],
    ...["PUT /channels/?/permissions/{u}", "DELETE /channels/?/permissions/?", "POST /channels/?/invites"],
    ...[
      "GET /invites/?",
      "POST /invites/?",
      "DELETE /invites/?",
      "GET /channels/?/messages",
      "POST /channels/?/messages",
    ],
    ...["GET /channels/{c}/messages/?", "PATCH /channels/{c}/messages/?", "DELETE /channels/{c}/messages/?"],
    ...["POST /channels/?/typing", "PUT /channels/{c}/messages/?/reactions/%F0%9F%91%8D/@me"],
    ...["DELETE /channels/{c}/messages/?/reactions/?/@me", "GET /gateway/?", "PATCH /users/?", "POST /webhooks/?/?"],
  ];
  const id = fc.oneof(
    fc.constantFrom(
      "0",
      "1",
      "-1",
      "00",
      "18446744073709551615",
      "18446744073709551616",
      "1".repeat(300),
      "%00",
      "%zz",
    ),
    fc.constantFrom("null", "undefined", "@me", "%2e%2e", "%2f", "1%20", "1;drop", "0x10", "1e3", "%F0%9F%91%8D"),
    fc.bigInt({ min: 2n ** 40n, max: 2n ** 66n }).map(String),
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const before = await worldOf(stage);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      fc.array(id, { minLength: 2, maxLength: 2 }),
      oddValue,
      async (route, ids, odd) => {
        const [method = "", pattern = ""] = route.split(" ");
        let at = 0;
        const path = pattern
          .replace(/\{(\w)\}/g, (_, name: string) => real[name] ?? "")
          .replace(/\?/g, () => ids[at++] ?? "");
        const body = method === "GET" || method === "DELETE" ? undefined : { name: "ok", content: "ok", odd };
        const answer = await stage.owner.rest.send(method, path, body);
        // Some of these are somebody, like @me.
        if (answer.status < 300) expect([route, answer.status]).toEqual([expect.stringMatching(/^GET /), 200]);
        else expectRefusal(answer);
      },
    ),
    { numRuns: 400, endOnFailure: true },
  );
  expect(await worldOf(stage)).toEqual(before);
}, 120_000);

test("no odd token is anybody's", async () => {
  const { token } = stage.owner;
  const [id = "", time = "", secret = ""] = token.split(".");
  const tokens = [
    ...[
      "",
      " ",
      ".",
      "..",
      "...",
      "null",
      "Bot",
      "Bot ",
      "Bearer x",
      `Bearer ${token}`,
      `${token}x`,
      token.slice(0, -1),
    ],
    ...[`${id}.${time}.`, `.${time}.${secret}`, `${id}..${secret}`, token.toLowerCase(), token.toUpperCase()],
    ...[`Bot Bot ${stage.bot.token}`, `${stage.bot.token}`.split("").reverse().join(""), "\xff\xfe", "x".repeat(8_000)],
    ...[`${token}, ${token}`, `Basic ${Buffer.from("a:b").toString("base64")}`, `${id}.${time}.${"A".repeat(43)}`],
  ];
  for (const each of tokens) {
    const answer = await stage.rest.as(each).send("GET", "/users/@me");
    expect([each, answer.status, answer.body]).toEqual([each, 401, { message: "401: Unauthorized", code: 0 }]);
  }
});

test("floods of headers, pieces and pipelines are answered or cut off", async () => {
  const { api } = stage.fleet.endpoints;
  const post = `POST /api/v10/channels/${stage.guild.channelId}/messages HTTP/1.1`;
  const own = ["Host: x", `Authorization: ${stage.owner.token}`, "Content-Type: application/json"];
  const many = (count: number) => Array.from({ length: count }, (_, at) => `X-${at}: ${at}`);
  const chunked = [...own, "Transfer-Encoding: chunked"];
  const text = (head: readonly string[], body = "") => `${[post, ...head].join("\r\n")}\r\n\r\n${body}`;
  const floods: readonly [what: string, bytes: string][] = [
    ["5,000 headers", text([...own, ...many(5_000)])],
    ["1,000 headers", text([...own, ...many(1_000), "Content-Length: 0"])],
    ["headers without end", `${post}\r\n${"X: y\r\n".repeat(20_000)}`],
    ["one header without end", `${post}\r\nX: ${"y".repeat(200_000)}`],
    ["a request line without end", `GET /${"x".repeat(200_000)}`],
    ["folded headers", text([...own, "X: a", "\tb", " c"], "{}")],
    ["two lengths", text([...own, "Content-Length: 2", "Content-Length: 3"], "{}")],
    ["a length and chunks", text([...chunked, "Content-Length: 2"], "2\r\n{}\r\n0\r\n\r\n")],
    ["an unknown coding", text([...own, "Transfer-Encoding: gzip, identity"], "{}")],
    ["chunk extensions", text(chunked, `2;${"x=y;".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`)],
    ["a chunk of 16 EiB", text(chunked, "ffffffffffffffff\r\n{}")],
    ["trailers without end", text(chunked, `2\r\n{}\r\n0\r\n${"X: y\r\n".repeat(20_000)}`)],
    ["a compressed body", text([...own, "Content-Encoding: gzip", "Content-Length: 2"], "{}")],
    [
      "odd reasons",
      text([...own, "X-Audit-Log-Reason: %%%ff%", "X-Audit-Log-Reason: \xff", "Content-Length: 2"], "{}"),
    ],
    ["an upgrade", text([...own, "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 2"], "{}")],
    ["an expectation", text([...own, "Expect: 200-ok", "Content-Length: 2"], "{}")],
  ];
  const before = await worldOf(stage);
  for (const [what, bytes] of floods) {
    using raw = await openRawSocket(api);
    raw.write(Buffer.from(bytes, "latin1"));
    raw.socket.end();
    await raw.untilClosed();
    expect([what, raw.received.toString("latin1")]).toEqual([what, expect.stringMatching(/^$|^HTTP\/1\.1 4\d\d /)]);
    await bystander.check();
  }
  expect(await worldOf(stage)).toEqual(before);

  using pipeline = await openRawSocket(api);
  pipeline.write("GET /api/v10/gateway HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000));
  const answered = () => pipeline.received.toString("latin1").split("HTTP/1.1 200 ").length - 1;
  await waitFor(() => answered() === 1_000, { timeoutMs: 20_000 });
}, 120_000);

test("a request that comes byte by byte is answered like any other", async () => {
  using raw = await openRawSocket(stage.fleet.endpoints.api);
  raw.socket.setNoDelay(true);
  const body = '{"content":"slow but sure"}';
  const head = [
    `POST /api/v10/channels/${stage.guild.channelId}/messages HTTP/1.1`,
    ...["Host: x", `Authorization: ${stage.owner.token}`, "Content-Type: application/json"],
    `Content-Length: ${body.length}`,
  ];
  for (const byte of `${head.join("\r\n")}\r\n\r\n${body}`) {
    raw.write(byte);
    await new Promise(setImmediate);
  }
  await waitFor(() => raw.received.toString().includes('"content":"slow but sure"'));
});

test("a payload in pieces is one payload, with control frames between them", async () => {
  using raw = await openRawWebSocket(stage.fleet.gateway);
  raw.socket.setNoDelay(true);
  const text = '{"op":1,"d":null}';
  const frames = Buffer.concat(
    [...text].map((char, at) => clientFrame(at === 0 ? 1 : 0, char, at === text.length - 1)),
  );
  const ping = clientFrame(9, "are you there");
  const middle = frames.length / 2;
  // Frames of one character each are 7 bytes long: the ping goes between two of them.
  const cut = middle - (middle % 7);
  for (const byte of Buffer.concat([frames.subarray(0, cut), ping, frames.subarray(cut)])) {
    raw.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await waitFor(() => /"op":\s*11/.test(raw.received.toString("latin1")));
  expect(raw.received.toString("latin1")).toContain("are you there");
});

test("ids that nothing can have are asked for in vain", async () => {
  const session = await stage.watch({ token: stage.bot.token, intents: validIntentsMask });
  const ids = ["18446744073709551615", "9223372036854775808", "0"];
  for (const guild_id of [...ids, stage.guild.id]) {
    session.socket.send({ op: 8, d: { guild_id, user_ids: [...ids, stage.member.id], limit: 0, nonce: guild_id } });
  }
  const chunk = await session.next("GUILD_MEMBERS_CHUNK", ({ nonce }) => nonce === stage.guild.id);
  expect(chunk.members.map(({ user }) => user.id)).toEqual([stage.member.id]);
  expect(chunk.not_found?.map(String).toSorted()).toEqual(ids.toSorted());
});

test("odd ways to ask for a connection lead to HELLO, a close code or a refusal", async () => {
  const queries = [
    ...[
      "",
      "v=",
      "v=0",
      "v=10&v=5",
      "v=10.0",
      "v=ten",
      "v=99999999999999999999",
      "v=10&encoding=etf",
      "encoding=",
      "%",
    ],
    ...[
      "v=10&encoding=json&compress=gzip",
      "compress=zlib-stream&compress=zstd-stream",
      "compress=",
      `x=${"y".repeat(6_000)}`,
    ],
    ...["v=10&encoding=json&encoding=etf", "v=%31%30&encoding=%6a%73%6f%6e", "=&&=&", "v=10&encoding=__proto__"],
  ];
  for (const query of queries) {
    using raw = await openRawSocket(stage.fleet.gateway);
    const head = [`GET /?${query} HTTP/1.1`, "Host: x", "Connection: Upgrade", "Upgrade: websocket"];
    raw.write(
      [...head, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""].join("\r\n"),
    );
    const frames = await waitFor(() => {
      const text = raw.received.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const isWhole = end >= 0 && (!text.startsWith("HTTP/1.1 101") || raw.received.length > end + 7);
      return isWhole ? raw.received.subarray(end + 4) : undefined;
    });
    const status = /^HTTP\/1\.1 (\d+)/.exec(raw.received.toString("latin1"))?.[1];
    const opcode = (frames[0] ?? 0) & 0x0f;
    const outcome = status !== "101" ? status : opcode === 8 ? frames.readUInt16BE(2) : opcode;
    expect([query, [1, 2, 4002, 4012, "400", "431"].includes(outcome as number) ? "clear" : outcome]).toEqual([
      query,
      "clear",
    ]);
  }
});

test("garbage on a compressed connection closes that connection only", async () => {
  for (const compress of ["zlib-stream", "zstd-stream"] as const) {
    const session = await stage.watch({ token: stage.bot.token, intents: validIntentsMask, compress });
    session.socket.send(Buffer.alloc(2_000, 0x78));
    expect((await session.socket.untilClosed()).code).toBe(4002);
    const posted = await stage.post(`while ${compress} was away`);
    expect(await session.resume()).toBe(true);
    await session.next("MESSAGE_CREATE", ({ id }) => id === posted.id);
    expect(numberingProblems(compress, session.dispatches)).toEqual([]);
  }
});

test("readers of compressed streams that stop reading are closed, resumably; nobody else waits", async () => {
  const intents = validIntentsMask;
  const slow = [
    await stage.watch({ token: stage.bot.token, intents, compress: "zlib-stream" }),
    await stage.watch({ token: stage.bot.token, intents, compress: "zstd-stream" }),
  ];
  const { id: channelId } = await stage.channel({ name: "noise" });
  for (const { socket } of slow) socket.pause();
  const posted: string[] = [];
  // Until both queues are full, which the gateways count.
  while ((await slowReaders()) < slow.length) {
    expect(posted.length).toBeLessThan(4_000);
    const made = Array.from({ length: 50 }, () =>
      stage.owner.rest.post<{ id: string }>(`/channels/${channelId}/messages`, {
        content: noise(2_000),
        embeds: [{ description: noise(4_096) }, { description: noise(1_800) }],
      }),
    );
    posted.push(...(await Promise.all(made)).map(({ id }) => id));
    await bystander.check();
  }
  const last = await stage.post("the last one", channelId);
  posted.push(last.id);
  for (const session of slow) {
    session.socket.resume();
    const { code } = await session.socket.untilClosed();
    expect([1000, 1001, 4004, 4007, 4009]).not.toContain(code);
    expect(await session.resume()).toBe(true);
    await session.next("MESSAGE_CREATE", ({ id }) => id === last.id);
    expect(messagesSeen(session, channelId).map(({ id }) => id)).toEqual(posted.toSorted());
    expect(numberingProblems("slow", session.dispatches)).toEqual([]);
  }
}, 120_000);

/** Text of three bytes a character that hardly compresses. */
function noise(length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => randomInt(0x4e00, 0x9f00)));
}

/** How many connections the gateways have closed because their queues were full. */
async function slowReaders(): Promise<number> {
  let sum = 0;
  for (const { service, metrics } of stage.fleet.endpoints.processes) {
    if (service !== "gateway") continue;
    const page = await (await fetch(metrics)).text();
    sum += Number(/^guildhall_gateway_slow_readers_total (\d+)/m.exec(page)?.[1] ?? 0);
  }
  return sum;
}

test("a burst of connections that come and go leaves room for others", async () => {
  const { gateway } = stage.fleet;
  for (let round = 0; round < 3; round += 1) {
    const sockets = await Promise.all(Array.from({ length: 150 }, () => openGatewaySocket(gateway)));
    for (const [at, socket] of sockets.entries()) {
      if (at % 3 === 0) socket.send({ op: 2, d: { token: stage.bot.token, intents: 1, properties: {} } });
      if (at % 3 === 1) socket.send("{");
      socket.drop();
    }
    await bystander.check();
  }
});
