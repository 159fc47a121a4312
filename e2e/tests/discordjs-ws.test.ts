import { REST } from "@discordjs/rest";
import * as stable from "@discordjs/ws";
import { intentBits } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage, GatewayDispatchPayload } from "discord-api-types/v10";
// The release that knows zstd-stream; 2.0.4 does not.
import * as next from "discordjs-ws-next";
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

type Manager = typeof stable.WebSocketManager;

async function connect(ManagerOfRelease: Manager, compression: stable.CompressionMethod | null) {
  const dispatches: GatewayDispatchPayload[] = [];
  const errors: unknown[] = [];
  const api = stage.fleet.endpoints.api.replace(/\/v10$/, "");
  const rest = new REST({ api, version: "10" }).setToken(stage.bot.token);
  const options = {
    token: stage.bot.token,
    intents: intentBits.GUILDS | intentBits.GUILD_MESSAGES | intentBits.MESSAGE_CONTENT,
    compression,
    // The releases ask where the gateway is in two ways.
    rest,
    fetchGatewayInformation: () => rest.get("/gateway/bot"),
  };
  const manager = new ManagerOfRelease(options);
  manager.on(stable.WebSocketShardEvents.Dispatch, (payload) => dispatches.push(payload));
  manager.on(stable.WebSocketShardEvents.Error, (error) => errors.push(error));
  await manager.connect();
  await waitFor(() => dispatches.some(({ t }) => t === "GUILD_CREATE"));
  const { strategy } = manager as unknown as { strategy: { shards: Map<number, Shard> } };
  return { manager, dispatches, errors, cut: () => strategy.shards.get(0)?.connection.terminate() };
}

// Alike in all that is used here.
const nextManager = next.WebSocketManager as unknown as Manager;
const zstd = next.CompressionMethod.ZstdNative as unknown as stable.CompressionMethod;
const methods: readonly [string, Manager, stable.CompressionMethod | null][] = [
  ["plain", stable.WebSocketManager, null],
  ["zlib-stream", stable.WebSocketManager, stable.CompressionMethod.ZlibNative],
  ["zstd-stream", nextManager, zstd],
];

for (const [name, ManagerOfRelease, compression] of methods) {
  test(`@discordjs/ws over ${name} hears everything once and in order, also over a cut connection`, async () => {
    const { manager, dispatches, errors, cut } = await connect(ManagerOfRelease, compression);
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
