import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Endpoints } from "@guildhall/dev";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, Events, GatewayIntentBits, type Message } from "discord.js";
import { compareWithHistory, type Load, makeRest, orderProblems, readHistory, startLoad } from "../src/index.ts";
import { type Command, checkout, runCommand } from "../src/start-command.ts";

// What an operator does to a busy fleet, one thing after another, while a stock bot counts messages.

const perSecond = 40;
const stepMs = 60_000;

interface Shards {
  readonly serving: number;
  readonly shards: readonly { readonly shard: string; readonly host: string; readonly state: string }[];
  readonly reshard: { readonly phase: string; readonly to: number };
}

let folder: ReturnType<typeof makeTempDir>;
let fleet: Command;
let client: Client<true>;
let load: Load;
const counted: Message[] = [];
/** How often the library began a session, and how often it resumed one. */
const sessions = { begun: 0, resumed: 0 };

const state = () => join(folder.path, "state");
const specFile = () => join(folder.path, "shardset.yaml");
const endpoints = () => JSON.parse(readFileSync(join(state(), "endpoints.json"), "utf8")) as Endpoints;
const pidOf = (name: string) => endpoints().processes.find((each) => each.name === name)?.pid ?? 0;

/** Runs the tool to its end and returns what it answered. */
async function guildhall(...args: string[]): Promise<string> {
  await using command = runCommand("cli/bin/guildhall.mjs", ["--state", state(), ...args]);
  command.endInput();
  const { code } = await command.ended();
  expect([code, command.stderr]).toEqual([0, expect.anything()]);
  return command.stdout;
}

const shards = async () => JSON.parse(await guildhall("shards", "-o", "json")) as Shards;

/** Waits until what `guildhall shards` shows is so. */
async function untilShown(isSo: (shown: Shards) => boolean): Promise<Shards> {
  return await waitFor(
    async () => {
      const shown = await shards();
      return isSo(shown) ? shown : undefined;
    },
    { timeoutMs: stepMs, pollMs: 100 },
  );
}

const areServing = (count: number) => (shown: Shards) =>
  shown.serving === count &&
  shown.shards.length === count &&
  shown.shards.every((each) => each.state === "Serving") &&
  (count === 4 || shown.reshard.phase === "Completed");

/** Messages go on being acked: so many more than now. */
async function untilAcked(more: number): Promise<void> {
  const due = load.ackedCount + more;
  await waitFor(() => load.ackedCount >= due, { timeoutMs: stepMs });
}

function edit(from: string | RegExp, to: string): void {
  const before = readFileSync(specFile(), "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(specFile(), after);
}

beforeAll(async () => {
  folder = makeTempDir();
  // As it is, but that one person may say so much.
  const document = readFileSync(join(checkout, "dev/shardset.yaml"), "utf8");
  writeFileSync(specFile(), document.replace(/^spec:$/m, 'spec:\n  rateLimits: "Off"'));
  fleet = runCommand("npm", [
    "start",
    "--ignore-scripts",
    "--",
    "--state",
    state(),
    "--port",
    "0",
    "--spec",
    specFile(),
  ]);
  await fleet.says(/Guildhall is ready/);
  const { api, demo } = endpoints();
  if (demo === undefined) throw new Error("there is no demo");
  const made = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    rest: { api: api.replace(/\/v10$/, "") },
  });
  made.on(Events.MessageCreate, (message) => void counted.push(message));
  made.on(Events.ShardReady, () => void sessions.begun++);
  made.on(Events.ShardResume, () => void sessions.resumed++);
  const ready = new Promise<Client<true>>((resolve) => made.once(Events.ClientReady, resolve));
  await made.login(demo.bot.token);
  client = await ready;
  const { owner } = demo;
  const rest = makeRest(api, owner.token);
  const person = { id: owner.id, name: owner.login, password: owner.password, token: owner.token, rest };
  load = startLoad({ people: [person], channelIds: [demo.channelId], perSecond, name: "unnoticed" });
  await untilAcked(perSecond);
}, 120_000);

afterAll(async () => {
  await load?.stop();
  await client?.destroy();
  await fleet?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
}, 60_000);

test("editing the file doubles the shards", async () => {
  expect(areServing(4)(await shards())).toBe(true);
  edit(/shards: 4/, "shards: 8");
  await untilShown(areServing(8));
  await untilAcked(perSecond);
});

test("a shard is moved", async () => {
  const { shards: before } = await shards();
  const [moved] = before;
  const to = ["guild-0", "guild-1"].find((name) => name !== moved?.host) ?? "";
  // Refused while the journal is slow, as it may be where much else runs.
  await waitFor(async () => (await guildhall("move", moved?.shard ?? "", to)) !== "", { timeoutMs: stepMs });
  await untilShown((shown) => shown.shards.some(({ shard, host }) => shard === moved?.shard && host === to));
  await untilAcked(perSecond);
});

test("a gateway is drained, and a fresh process takes its place", async () => {
  const before = pidOf("gateway-0");
  await guildhall("drain", "gateway-0");
  await waitFor(() => ![0, before].includes(pidOf("gateway-0")), { timeoutMs: stepMs });
  await untilAcked(perSecond);
});

test("a host is killed", async () => {
  const { shards: before } = await shards();
  const name = before[0]?.host ?? "";
  process.kill(pidOf(name), "SIGKILL");
  await untilAcked(perSecond);
  await untilShown(areServing(8));
});

test("each gateway is killed, one after the other", async () => {
  for (const name of ["gateway-0", "gateway-1"]) {
    const before = pidOf(name);
    process.kill(before, "SIGKILL");
    await waitFor(() => ![0, before].includes(pidOf(name)), { timeoutMs: stepMs });
    await untilAcked(perSecond);
  }
});

test("the bot has had every message once, in order, in one session", async () => {
  await load.stop();
  const { api, demo } = endpoints();
  const history = await readHistory(makeRest(api, demo?.owner.token), demo?.channelId ?? "");
  const sent = history.filter(({ content }) => content.startsWith("unnoticed"));
  expect(load.failures).toEqual([]);
  expect(
    compareWithHistory(
      load.streams.map(({ acked }) => acked),
      history,
    ),
  ).toEqual([]);
  await waitFor(() => counted.some(({ id }) => id === sent.at(-1)?.id), { timeoutMs: stepMs });
  const ids = counted.map(({ id }) => id);
  expect(orderProblems("the bot", ids)).toEqual([]);
  expect(ids.filter((id) => sent.some((message) => message.id === id))).toEqual(sent.map(({ id }) => id));
  expect(sessions).toEqual({ begun: 1, resumed: expect.any(Number) });
  expect(sessions.resumed).toBeGreaterThan(0);
}, 120_000);
