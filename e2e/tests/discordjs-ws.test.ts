import { REST } from "@discordjs/rest";
import { CompressionMethod, WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";
import { intentBits } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage, GatewayDispatchPayload } from "discord-api-types/v10";
import { type Stage, setStage } from "../src/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

interface Shard {
  readonly connection: { terminate(): void };
}

async function connect(compression: CompressionMethod | null) {
  const dispatches: GatewayDispatchPayload[] = [];
  const errors: unknown[] = [];
  const api = stage.fleet.endpoints.api.replace(/\/v10$/, "");
  const manager = new WebSocketManager({
    token: stage.bot.token,
    intents: intentBits.GUILDS | intentBits.GUILD_MESSAGES | intentBits.MESSAGE_CONTENT,
    rest: new REST({ api, version: "10" }).setToken(stage.bot.token),
    compression,
  });
  manager.on(WebSocketShardEvents.Dispatch, (payload) => dispatches.push(payload));
  manager.on(WebSocketShardEvents.Error, (error) => errors.push(error));
  await manager.connect();
  await waitFor(() => dispatches.some(({ t }) => t === "GUILD_CREATE"));
  const { strategy } = manager as unknown as { strategy: { shards: Map<number, Shard> } };
  return { manager, dispatches, errors, cut: () => strategy.shards.get(0)?.connection.terminate() };
}

const methods: readonly [string, CompressionMethod | null][] = [
  ["plain", null],
  ["zlib-stream", CompressionMethod.ZlibNative],
];

for (const [name, compression] of methods) {
  test(`@discordjs/ws over ${name} hears everything once and in order, also over a cut connection`, async () => {
    const { manager, dispatches, errors, cut } = await connect(compression);
    const posted: string[] = [];
    const post = async (content: string) => posted.push((await stage.post(content)).id);
    const heard = () => dispatches.filter(({ t }) => t === "MESSAGE_CREATE").map(({ d }) => (d as APIMessage).id);
    for (let count = 0; count < 20; count += 1) await post(`${name} ${count} ${"ü€😀 ".repeat(count)}`);
    cut();
    for (let count = 0; count < 20; count += 1) await post(`${name} meanwhile ${count}`);
    await waitFor(() => dispatches.some(({ t }) => t === "RESUMED"), { timeoutMs: 20_000 });
    await post("x".repeat(2000));
    await waitFor(() => heard().length >= posted.length, { timeoutMs: 20_000 });
    expect(heard()).toEqual(posted);
    expect(dispatches.map(({ s }) => s)).toEqual(dispatches.map((_, at) => at + 1));
    expect(errors).toEqual([]);
    await manager.destroy();
  });
}
