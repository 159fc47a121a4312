import { Agent } from "node:http";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { Client } from "eris";
import { type Stage, setStage } from "../src/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

test("eris connects, hears, answers and resumes", async () => {
  const { port } = new URL(stage.fleet.endpoints.api);
  // eris speaks TLS only, unless its agent says otherwise.
  const agent = Object.assign(new Agent({ port: Number(port) } as object), { protocol: "https:" });
  const client = new Client(`Bot ${stage.bot.token}`, {
    intents: ["guilds", "guildMessages", "messageContent"],
    rest: { domain: "127.0.0.1", agent: agent as never },
  });
  const heard: string[] = [];
  const warnings: string[] = [];
  client.on("error", (error) => warnings.push(String(error)));
  client.on("warn", (message) => warnings.push(message));
  client.on("messageCreate", (message) => {
    heard.push(message.id);
    if (message.content === "!ping") void client.createMessage(message.channel.id, "pong");
  });
  const ready = new Promise<void>((resolve) => client.once("ready", resolve));
  await client.connect();
  await ready;
  expect(client.guilds.get(stage.guild.id)?.channels.has(stage.guild.channelId)).toBe(true);
  const asked = await stage.post("!ping");
  const pong = await stage.witness.next("MESSAGE_CREATE", ({ content }) => content === "pong");
  expect(pong.author.id).toBe(stage.bot.id);
  await waitFor(() => heard.length === 2);
  expect(heard).toEqual([asked.id, pong.id]);
  const resumed = new Promise<void>((resolve) => client.once("shardResume", () => resolve()));
  const { ws } = client.shards.get(0) as unknown as { ws: { terminate(): void } };
  ws.terminate();
  const missed = await stage.owner.rest.post<APIMessage>(`/channels/${stage.guild.channelId}/messages`, {
    content: "meanwhile",
  });
  await resumed;
  await waitFor(() => heard.length === 3);
  expect(heard.at(-1)).toBe(missed.id);
  expect(warnings.filter((text) => /sequence|user account|invalid/i.test(text))).toEqual([]);
  client.disconnect({ reconnect: false });
  agent.destroy();
});
