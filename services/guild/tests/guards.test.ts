import { GetGuild, Heads } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import type { HostGuards } from "../src/domain/index.ts";
import { Fleet, type FleetHost, unwrap } from "./fleet.ts";
import { codeOf, makeGuild, say, type TestGuild } from "./guild.ts";
import { all, message, orderMove, outcomeOf, passUntil, said } from "./moving.ts";

interface World extends Disposable {
  readonly fleet: Fleet;
  readonly a: FleetHost;
  readonly guild: TestGuild;
  /** Starts another host, with the same protections. */
  start(name: string, options?: Parameters<Fleet["start"]>[1]): Promise<FleetHost>;
}

async function world(guards: Partial<HostGuards>, options: Parameters<Fleet["start"]>[1] = {}): Promise<World> {
  const fleet = new Fleet();
  const hosts: FleetHost[] = [];
  const start: World["start"] = async (name, more = {}) => {
    const on = await fleet.start(name, { guards, ...more });
    hosts.push(on);
    return on;
  };
  const a = await start("guild-0", options);
  const guild = await makeGuild(fleet, a);
  await fleet.time.advanceAsync(1_000);
  return {
    ...{ fleet, a, guild, start },
    [Symbol.dispose]() {
      for (const on of hosts) on[Symbol.dispose]();
    },
  };
}

/** Runs a scene with the protection and without it. */
function ablation(
  guard: keyof HostGuards,
  what: string,
  scene: (guards: Partial<HostGuards>) => Promise<boolean>,
): void {
  test(`${guard}: ${what}`, async () => {
    expect(await scene({})).toBe(true);
    expect(await scene({ [guard]: false })).toBe(false);
  });
}

ablation("readCheck", "a host that was overtaken while its lease lapsed tells nothing of before", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild } = on;
  a.reachable = false;
  await fleet.time.advanceAsync(10_000);
  fleet.journal.seize({ range: all, split: false, epoch: 2, host: "guild-9", incarnation: "other", moveId: "x" });
  const value = GetGuild.fromPartial({ guildId: guild.id });
  const actor = { profile: guild.owner, applicationId: 0n };
  const answer = await a.ask({ $case: "read", value: { actor, body: { $case: "getGuild", value } } });
  return answer?.$case === "notOwner";
});

ablation("retryTable", "the same request leads to one message", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild } = on;
  const command = message(fleet, guild, "once");
  await fleet.route(a, command);
  await fleet.route(a, command);
  return said(fleet).length === 1;
});

ablation("retryWindow", "the same request leads to one message when a host has taken over between", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild, start } = on;
  const command = message(fleet, guild, "once");
  await fleet.route(a, command);
  await fleet.time.advanceAsync(1_000);
  a[Symbol.dispose]();
  await fleet.route(await start("guild-0"), command);
  return said(fleet).length === 1;
});

ablation("moveId", "what is left of a move that came to nothing is not taken for another one's", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild, start } = on;
  const b = await start("guild-1", { range: null });
  // The first move ends while the receiver is ready, and its end is not heard of.
  let copied = 0;
  a.peerFaults = (method) => {
    if (method === "abandon") return "lost";
    return method === "copy" && copied++ === 0 ? "answer lost" : undefined;
  };
  b.journalFaults = async (method) => {
    if (method === "readTopic" && copied === 0) await say(a, guild.owner, guild.channelId, "during the first");
    return undefined;
  };
  fleet.store.isDown = true;
  await say(a, guild.owner, guild.channelId, "before");
  const first = await outcomeOf(fleet, orderMove(fleet, a, b));
  const command = message(fleet, guild, "between");
  await fleet.route(a, command);
  const second = await outcomeOf(fleet, orderMove(fleet, a, b));
  expect([first.result, second.result]).toEqual([3, 1]);
  await fleet.time.advanceAsync(5_000);
  await fleet.route(b, command);
  return said(fleet).filter((content) => content === "between").length === 1;
});

ablation("seal", "a host that hands a shard over tells nothing that its next owner has gone past", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild, start } = on;
  const b = await start("guild-1", { range: null });
  let told: bigint | undefined;
  let last: bigint | undefined;
  const heads = { $case: "heads" as const, value: Heads.fromPartial({ topics: [guild.id] }) };
  a.peerFaults = async (method) => {
    if (method !== "commit") return undefined;
    // The receiver has the shard for a moment before the giver hears of it.
    void passUntil(fleet, () => b.host?.serving, 0).then(async () => {
      last = (await say(b, guild.owner, guild.channelId, "later")).position?.seq;
      const answer = await a.ask(heads);
      if (answer?.$case === "heads") told = unwrap(answer, "heads").heads[0]?.seq;
    });
    return "answer lost";
  };
  a.journalFaults = async (method) => {
    if (method === "takeEpoch") await new Promise<void>((resolve) => fleet.time.timers.after(100, resolve));
    return undefined;
  };
  await outcomeOf(fleet, orderMove(fleet, a, b));
  await passUntil(fleet, () => last);
  return told === undefined || told === last;
});

ablation("beats", "a beat names what has changed since the last one", async (guards) => {
  using on = await world(guards);
  const { fleet, a, guild } = on;
  a.items.length = 0;
  await say(a, guild.owner, guild.channelId, "x");
  await fleet.time.advanceAsync(250);
  return a.items.some(({ of }) => of?.$case === "beat" && of.value.heads.length > 0);
});

ablation("idRule", "ids rise over a takeover by a host whose clock is behind", async (guards) => {
  using on = await world(guards, { skewMs: 5_000 });
  const { fleet, a, guild, start } = on;
  await say(a, guild.owner, guild.channelId, "ahead");
  a[Symbol.dispose]();
  const behind = await start("guild-0", { skewMs: -5_000 });
  expect(await codeOf(say(behind, guild.owner, guild.channelId, "behind"))).toBe("none");
  const ids = fleet.journal.records.flatMap(({ rows }) =>
    rows.flatMap(({ of }) => (of?.$case === "message" ? [of.value.messageId] : [])),
  );
  return ids.every((id, index) => index === 0 || id > (ids[index - 1] as bigint));
});
