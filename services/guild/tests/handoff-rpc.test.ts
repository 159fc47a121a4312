import { GuildServiceService, HandoffResult } from "@guildhall/proto";
import { createHandoffClient, createRpcServer } from "@guildhall/rpc";
import { createTelemetry } from "@guildhall/telemetry";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makePeers } from "../src/clients/peers.ts";
import { makeGuildEvents } from "../src/events.ts";
import { makeExchange } from "../src/rpc/exchange.ts";
import { makeHandoff } from "../src/rpc/handoff.ts";
import { Fleet, type FleetHost, jsonOf } from "./fleet.ts";
import { makeGuild, say } from "./guild.ts";
import { orderMove, outcomeOf } from "./moving.ts";

/** Serves a host over gRPC. */
async function serve({ host, address, name }: FleetHost, stack: AsyncDisposableStack): Promise<void> {
  if (host === undefined) throw new Error("not started");
  const telemetry = stack.use(await createTelemetry({ service: "guild", name, logLevel: "silent" }));
  const events = makeGuildEvents(telemetry);
  events.show(host);
  const context = { host, events, telemetry };
  const implementation = { exchange: makeExchange(context), handoff: makeHandoff(context) };
  stack.use(await createRpcServer({ address, services: [[GuildServiceService, implementation]] }));
}

test("hosts hand a shard over by gRPC, and tell tools where a message went", async () => {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(makeTempDir());
  const fleet = new Fleet();
  const [a, b] = [
    stack.use(
      await fleet.start("guild-0", { address: `unix:${path}/a`, peers: stack.use(makePeers({ self: "guild-0" })) }),
    ),
    stack.use(await fleet.start("guild-1", { address: `unix:${path}/b`, range: null })),
  ];
  for (const on of [a, b]) await serve(on, stack);
  const guild = await makeGuild(fleet, a);
  await fleet.time.advanceAsync(1_000);
  const first = await say(a, guild.owner, guild.channelId, "before");
  const outcome = await outcomeOf(fleet, orderMove(fleet, a, b));
  expect([outcome.reason, outcome.result]).toEqual(["", HandoffResult.HANDOFF_RESULT_DONE]);
  expect([a.serves, b.serves]).toEqual([[], ["0/1@2"]]);
  const second = await say(b, guild.owner, guild.channelId, "after");
  expect(second.position?.seq).toBe((first.position?.seq ?? 0n) + 1n);
  const tool = stack.use(createHandoffClient(a.address));
  const trace = await tool.call("trace", { messageId: BigInt(String(jsonOf(first).id)), topic: 0n, seq: 0n });
  expect([trace.topic, trace.seq]).toEqual([guild.id, first.position?.seq]);
  expect(new Set(trace.steps.map(({ what }) => what))).toEqual(
    new Set(["received", "decided", "journaled", "published", "stored", "sealed", "unsealed"]),
  );
  expect(trace.steps.every(({ process }) => process === "guild-0")).toBe(true);
});
