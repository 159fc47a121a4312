import { validIntentsMask } from "@guildhall/protocol";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { openGatewaySocket } from "../src/gateway-socket.ts";
import { messagesSeen, numberingProblems } from "../src/history-check.ts";
import { clientFrame, openRawSocket, openRawWebSocket } from "../src/raw-socket.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { type Bystander, makeBystander } from "../src/untouched.ts";

const properties = { os: "linux", browser: "test", device: "test" };

let stage: Stage;
let bystander: Bystander;

beforeAll(async () => {
  stage = await setStage();
  bystander = await makeBystander(stage);
});

afterAll(async () => {
  await bystander?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

afterEach(() => bystander.check());

/** Opens a connection, with a session when asked to. */
async function connect(isIdentified: boolean) {
  const socket = await openGatewaySocket(stage.fleet.gateway);
  await socket.expect(({ op }) => op === 10);
  if (!isIdentified) return socket;
  socket.send({ op: 2, d: { token: stage.bot.token, intents: 1, properties } });
  await socket.expect(({ t }) => t === "GUILD_CREATE");
  return socket;
}

test("what cannot be decoded closes with 4002, before and after IDENTIFY", async () => {
  const depth = 10_000;
  const payloads = [
    "",
    "{",
    "null",
    "1",
    '"text"',
    "[]",
    "{}",
    '{"op":"2"}',
    '{"op":null}',
    '{"op":1.5}',
    `{"op":1,"d":${"[".repeat(1_900)}${"]".repeat(1_900)}}`,
    `{"op":1,"d":${"[".repeat(depth)}${"]".repeat(depth)}}`,
    `{"op":1,"d":"${"x".repeat(60_000)}"}`,
    Buffer.from([0x83, 0x01, 0x02, 0xff]),
    Buffer.alloc(3_000, 0xee),
  ];
  for (const isIdentified of [false, true]) {
    for (const payload of payloads) {
      const socket = await connect(isIdentified);
      socket.send(payload);
      expect([String(payload).slice(0, 20), (await socket.untilClosed()).code]).toEqual([
        String(payload).slice(0, 20),
        4002,
      ]);
    }
    await bystander.check();
  }
});

test("unknown opcodes close with 4001", async () => {
  for (const op of [-1, 12, 15, 16, 17, 27, 99, 2 ** 31, 1e300]) {
    const socket = await connect(true);
    socket.send({ op, d: null });
    expect([op, (await socket.untilClosed()).code]).toEqual([op, 4001]);
  }
});

test("what breaks the rules of WebSocket ends the connection", async () => {
  const cases: readonly [string, Buffer][] = [
    ["an unmasked frame", Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    ["reserved bits", Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
    ["a reserved opcode", clientFrame(3, "{}")],
    ["a control frame that is too long", clientFrame(9, "x".repeat(126))],
    ["a control frame in pieces", clientFrame(9, "x", false)],
    ["a continuation of nothing", clientFrame(0, "{}")],
    ["text that is no UTF-8", clientFrame(1, Buffer.from([0xff, 0xfe, 0xfd]))],
    ["a close frame of one byte", clientFrame(8, "x")],
    ["a close code that cannot be", clientFrame(8, Buffer.from([0x03, 0xed]))],
    ["a frame of 1 TiB", Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])],
    ["a frame of 1 MiB", clientFrame(1, "x".repeat(1024 * 1024))],
    [
      "pieces without end",
      Buffer.concat(Array.from({ length: 300 }, (_, at) => clientFrame(at === 0 ? 1 : 0, "x".repeat(1000), false))),
    ],
    ["noise", Buffer.alloc(50_000, 0xa5)],
  ];
  for (const [what, bytes] of cases) {
    using raw = await openRawWebSocket(stage.fleet.gateway);
    raw.write(bytes);
    const code = await raw.closeCode();
    expect([what, [1002, 1005, 1006, 1007, 1009, 4002].includes(code) ? "ended" : code]).toEqual([what, "ended"]);
    await bystander.check();
  }
});

test("what is no WebSocket at all is refused", async () => {
  const garbage = [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /?v=10 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "GET /?v=10 HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
    `GET / HTTP/1.1\r\nX: ${"x".repeat(50_000)}\r\n\r\n`,
    "nonsense\r\n\r\n",
    Buffer.alloc(70_000, 0),
  ];
  for (const bytes of garbage) {
    using raw = await openRawSocket(stage.fleet.gateway);
    raw.write(bytes);
    raw.socket.end();
    await raw.untilClosed();
    expect(raw.received.toString("latin1")).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
  }
});

test("half-open connections keep nobody else waiting", async () => {
  const half = await Promise.all(Array.from({ length: 100 }, () => openRawSocket(stage.fleet.gateway)));
  const silent = await Promise.all(Array.from({ length: 100 }, () => openRawWebSocket(stage.fleet.gateway)));
  for (const raw of half) raw.write("GET /?v=10 HTTP/1.1\r\nUpgra");
  for (const raw of silent) raw.write(Buffer.from([0x81, 0xfe]));
  await bystander.check();
  const fresh = await connect(true);
  fresh.close(1000);
  for (const raw of [...half, ...silent]) raw[Symbol.dispose]();
});

test("payloads of any shape are answered, ignored, or close with a code of the protocol", async () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...["token", "properties", "intents", "shard", "presence", "large_threshold", "compress", "session_id", "seq"],
        ...["guild_id", "channel_id", "query", "limit", "user_ids", "nonce", "activities", "status", "since", "afk"],
      ),
      fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.constantFrom(
          stage.bot.token,
          stage.guild.id,
          -1,
          2 ** 53,
          "",
          [0, 1],
          [1, 0],
          [],
          {},
          null,
          "x".repeat(500),
        ),
      ),
      { maxKeys: 6 },
    ),
  );
  const op = fc.constantFrom(1, 2, 3, 4, 6, 8, 14, 37, 40);
  const codes = [4000, 4001, 4002, 4003, 4004, 4005, 4007, 4008, 4010, 4011, 4012, 4013, 4014];
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.tuple(op, value), { minLength: 1, maxLength: 4 }),
      async (isIdentified, said) => {
        const socket = await connect(isIdentified);
        for (const [each, d] of said) if (socket.closed === undefined) socket.send({ op: each, d });
        const from = socket.frames.length;
        // A beat tells whether the connection outlived it.
        if (socket.closed === undefined) socket.send({ op: 1, d: null });
        await Promise.race([
          socket.expect(({ op: answered }) => answered === 11 || answered === 9, from).catch(() => undefined),
          socket.untilClosed(),
        ]);
        if (socket.closed !== undefined) expect(codes).toContain(socket.closed.code);
        socket.close(1000);
      },
    ),
    { numRuns: 100 },
  );
}, 120_000);

test("a reader that stops reading is closed, resumably, and misses nothing", async () => {
  const slow = await stage.watch({ token: stage.bot.token, intents: validIntentsMask });
  slow.socket.pause();
  const { id: channelId } = await stage.channel({ name: "flood" });
  // 32 KiB each: more than the queue of a socket and the kernel's buffers hold.
  const text = "😀".repeat(2_000);
  const embeds = [{ description: "😀".repeat(4_096) }, { description: "😀".repeat(1_800) }];
  const posted: string[] = [];
  for (let at = 0; at < 20; at += 1) {
    const made = Array.from({ length: 25 }, () =>
      stage.owner.rest.post<{ id: string }>(`/channels/${channelId}/messages`, { content: text, embeds }),
    );
    posted.push(...(await Promise.all(made)).map(({ id }) => id));
    await bystander.check();
  }
  slow.socket.resume();
  const { code } = await slow.socket.untilClosed();
  expect([1000, 1001, 4004, 4007, 4009]).not.toContain(code);
  expect(await slow.resume()).toBe(true);
  const last = posted.toSorted().at(-1);
  await slow.next("MESSAGE_CREATE", ({ id }) => id === last);
  expect(messagesSeen(slow, channelId).map(({ id }) => id)).toEqual(posted.toSorted());
  expect(numberingProblems("slow", slow.dispatches)).toEqual([]);
}, 120_000);
