import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, type Message } from "oceanic.js";
import { type Stage, setStage } from "../src/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

// "native" is Node's own zlib; the other libraries that it can use are not installed.
const compressions = [
  { name: "plain", compress: undefined, compressLibrary: undefined },
  { name: "zlib-stream", compress: "zlib-stream", compressLibrary: "native" },
  { name: "zstd-stream", compress: "zstd-stream", compressLibrary: "native" },
] as const;

for (const { name, compress, compressLibrary } of compressions) {
  test(`oceanic.js over ${name} connects, hears, answers and resumes`, async () => {
    const { bot, guild, fleet, witness } = stage;
    const client = new Client({
      auth: `Bot ${bot.token}`,
      rest: { baseURL: fleet.endpoints.api },
      gateway: {
        intents: ["GUILDS", "GUILD_MESSAGES", "MESSAGE_CONTENT"],
        ...(compress === undefined ? {} : { compress, compressLibrary }),
      } as never,
    });
    const heard: string[] = [];
    const warnings: string[] = [];
    client.on("error", (error) => warnings.push(String(error)));
    client.on("warn", (message) => warnings.push(message));
    client.on("messageCreate", (message: Message) => {
      heard.push(message.id);
      if (message.content === `!ping ${name}`) {
        void client.rest.channels.createMessage(message.channelID, { content: `pong ${name}` });
      }
    });
    const ready = new Promise<void>((resolve) => client.once("ready", resolve));
    await client.connect();
    await ready;
    expect(client.guilds.get(guild.id)?.channels.has(guild.channelId)).toBe(true);
    const asked = await stage.post(`!ping ${name}`);
    const pong = await witness.next("MESSAGE_CREATE", ({ content }) => content === `pong ${name}`);
    expect(pong.author.id).toBe(bot.id);
    await waitFor(() => heard.length === 2);
    const resumed = new Promise<void>((resolve) => client.once("shardResume", () => resolve()));
    const { ws } = client.shards.get(0) as unknown as { ws: { terminate(): void } };
    ws.terminate();
    const missed = await stage.post("meanwhile ü€😀");
    await resumed;
    await waitFor(() => heard.length === 3);
    expect(heard).toEqual([asked.id, pong.id, missed.id]);
    expect(warnings).toEqual([]);
    client.disconnect(false);
  });
}
