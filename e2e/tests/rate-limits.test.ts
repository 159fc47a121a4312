import { REST } from "@discordjs/rest";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type APIMessage, Routes } from "discord-api-types/v10";
import { openGatewaySocket } from "../src/gateway-socket.ts";
import { readHistory } from "../src/history-check.ts";
import { type Stage, setStage } from "../src/stage.ts";

// Every other suite runs with limits off.
let stage: Stage;

beforeAll(async () => {
  stage = await setStage({ rateLimits: "Standard" });
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

test("a client that says too much is closed with 4008", async () => {
  const session = await stage.watch({ token: stage.member.token });
  const presence = { op: 3, d: { since: null, activities: [], status: "idle", afk: false } };
  for (let count = 0; count < 130; count += 1) session.socket.send(count % 2 ? presence : { op: 1, d: null });
  expect((await session.socket.untilClosed()).code).toBe(4008);
});

test("a bot that identifies too often at one gateway is told INVALID_SESSION false, and stays connected", async () => {
  const bot = await stage.bots.make(stage.owner, { name: "hasty" });
  // Each gateway counts for itself.
  const url = stage.fleet.urlOf("gateway-0");
  const identify = { op: 2, d: { token: bot.token, intents: 0, properties: { os: "x", browser: "x", device: "x" } } };
  const first = await openGatewaySocket(url);
  first.send(identify);
  await first.expect(({ t }) => t === "READY");
  const second = await openGatewaySocket(url);
  second.send(identify);
  expect((await second.expect(({ op }) => op === 9)).d).toBe(false);
  expect(second.closed).toBeUndefined();
  for (const socket of [first, second]) socket.close(1000);
});

test("too many messages are refused with 429 and all that clients read of it", async () => {
  const path = `/channels/${stage.guild.channelId}/messages`;
  const send = () => stage.owner.rest.send("POST", path, { content: "." });
  const answers = await Promise.all(Array.from({ length: 40 }, send));
  const taken = answers.find(({ status }) => status === 200);
  expect(taken?.headers).toMatchObject({
    "x-ratelimit-limit": expect.stringMatching(/^\d+$/),
    "x-ratelimit-remaining": expect.stringMatching(/^\d+$/),
    "x-ratelimit-reset": expect.stringMatching(/^\d+\.\d+$/),
    "x-ratelimit-reset-after": expect.stringMatching(/^\d+\.\d+$/),
    "x-ratelimit-bucket": expect.any(String),
  });
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({ message: expect.any(String), retry_after: expect.any(Number), global: false });
  expect(refused?.headers).toMatchObject({
    "retry-after": expect.stringMatching(/^\d+$/),
    "x-ratelimit-scope": "user",
    // discord.py and JDA take a 429 without it for somebody else's.
    via: expect.any(String),
    "x-ratelimit-bucket": taken?.headers["x-ratelimit-bucket"],
    "x-ratelimit-remaining": "0",
  });
  // What was refused was not done.
  const kept = (await readHistory(stage.bot.rest, stage.guild.channelId)).filter(({ content }) => content === ".");
  expect(kept.length).toBe(answers.filter(({ status }) => status === 200).length);
});

test("a library that follows the headers gets everything done, in order", async () => {
  const api = stage.fleet.endpoints.api.replace(/\/v10$/, "");
  const rest = new REST({ api, version: "10" }).setToken(stage.bot.token);
  const { id } = await stage.channel({ name: "patience" });
  const contents = Array.from({ length: 40 }, (_, at) => `patient ${at}`);
  const made = contents.map((content) => rest.post(Routes.channelMessages(id), { body: { content } }));
  const sent = (await Promise.all(made)) as APIMessage[];
  expect(sent.map(({ content }) => content)).toEqual(contents);
  const history = await readHistory(stage.bot.rest, id);
  expect(history.map(({ content }) => content)).toEqual(contents);
});
