import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFleet, type Fleet } from "@guildhall/dev";
import { makeTempDir, type TempDir, waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { testSpec } from "../src/fleet.ts";
import { compareWithHistory, compareWitness, readHistory } from "../src/history-check.ts";
import { startLoad } from "../src/load.ts";
import { type Community, makeCommunity, type Person, register } from "../src/people.ts";
import { makeRest, type Rest } from "../src/rest.ts";
import { runCommand } from "../src/start-command.ts";
import { Witness } from "../src/witness.ts";

// The fleet as an SRE drives it: by edits of its document, and by the tool.

const perSecond = 40;
const soon = { timeoutMs: 60_000 };
// Shards wait with splitting and moving for as long as the journal is slow, as it is on a busy machine.
const whenCalm = { timeoutMs: 240_000 };

let folder: TempDir;
let fleet: Fleet;
let rest: Rest;
let owner: Person;
let people: Person[] = [];
const guilds: Community[] = [];
const said: string[] = [];
const spec: Record<string, unknown> = {};

const stateFolder = () => join(folder.path, "state");
const specFile = () => join(folder.path, "fleet.yaml");
const log = () => said.join("");
const names = () => fleet.endpoints.processes.map(({ name }) => name);
const pidOf = (name: string) => fleet.endpoints.processes.find((one) => one.name === name)?.pid;

beforeAll(async () => {
  folder = makeTempDir();
  save({});
  fleet = await start();
  rest = makeRest(fleet.endpoints.api);
  owner = await register(rest, "owner");
  people = await Promise.all([0, 1].map((at) => register(rest, `sender${at}`)));
  for (let made = 0; made < 6; made += 1) guilds.push(await makeCommunity(owner, people));
}, 180_000);

afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
}, 60_000);

async function start(): Promise<Fleet> {
  return await createFleet({
    state: stateFolder(),
    specFile: specFile(),
    withDemo: false,
    output: { write: (line) => said.push(line) },
  });
}

/** Edits the document and saves it as editors do: a new file takes the old one's place. */
function save(changes: Record<string, unknown>): void {
  Object.assign(spec, changes);
  const document = testSpec() as { spec: Record<string, unknown> };
  const rebalancing = { mode: "Off" };
  const whole = { ...document, spec: { ...document.spec, rebalancing, ...spec } };
  writeFileSync(`${specFile()}.new`, JSON.stringify(whole, undefined, 2));
  renameSync(`${specFile()}.new`, specFile());
}

/** Runs the tool as somebody types it. */
async function tool(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const tool = "cli/src/main.ts";
  await using command = runCommand(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    tool,
    "--state",
    stateFolder(),
    ...args,
  ]);
  const { code } = await command.ended();
  return { code, out: command.stdout.trimEnd(), err: command.stderr.trimEnd() };
}

async function json<T>(...args: readonly string[]): Promise<T> {
  const { code, out, err } = await tool(...args, "-o", "json");
  if (code !== 0) throw new Error(`${args.join(" ")}: ${err}`);
  return JSON.parse(out) as T;
}

interface Shards {
  readonly serving: number;
  readonly shards: readonly { readonly shard: string; readonly host: string; readonly epoch: number; state: string }[];
  readonly reshard: { readonly phase: string; readonly planHash: string; readonly to: number };
}

const shards = () => json<Shards>("shards");
/** Who owns what, at which epoch. */
const owners = async () => (await shards()).shards.map(({ shard, host, epoch }) => `${shard} ${host} ${epoch}`);
/** Moves a shard, as often as it takes; what the tool says of it. */
async function moved(shard: string, host: string): Promise<string> {
  const { out } = await waitFor(async () => {
    const answer = await tool("move", shard, host);
    return answer.code === 0 ? answer : undefined;
  }, whenCalm);
  return out;
}

const hostOf = async (shard: string) => (await shards()).shards.find((one) => one.shard === shard)?.host;

/** Does something to the fleet while people talk, none of whom is to miss anything. What became of their sessions. */
async function whilePeopleTalk(name: string, act: () => Promise<void>): Promise<{ lost: number; resumed: number }[]> {
  await using stack = new AsyncDisposableStack();
  const channelIds = await channelsFor(name);
  const witnesses = await Promise.all(people.map(({ token }) => watch(token)));
  for (const witness of witnesses) stack.use(witness);
  const load = startLoad({ people, channelIds, perSecond, name });
  try {
    await act();
  } finally {
    await load.stop();
  }
  expect(load.failures).toEqual([]);
  for (const channelId of channelIds) {
    const history = await readHistory(owner.rest, channelId);
    const sent = load.streams.filter((stream) => stream.channelId === channelId).map(({ acked }) => acked);
    expect(compareWithHistory(sent, history)).toEqual([]);
    const last = history.at(-1)?.id;
    for (const witness of witnesses) {
      await witness.next("MESSAGE_CREATE", ({ id }) => id === last);
      expect(compareWitness(name, witness, channelId, history)).toEqual([]);
    }
  }
  return witnesses.map(({ session, resumes }) => ({ lost: session, resumed: resumes }));
}

const watch = (token: string) => Witness.connect({ url: fleet.endpoints.gateway, token, persistent: true });

/** A channel in each guild, for the messages of one test alone. */
async function channelsFor(name: string): Promise<string[]> {
  const made = guilds.map(({ id }) => owner.rest.post<{ id: string }>(`/guilds/${id}/channels`, { name }));
  return (await Promise.all(made)).map(({ id }) => id);
}

test("shows what runs", async () => {
  await waitFor(async () => (await shards()).shards.every(({ state }) => state === "Serving"), soon);
  expect(await shards()).toMatchObject({ serving: 4, reshard: { phase: "" } });
  const { out } = await tool("shards");
  expect(out).toMatch(/^SHARD +HOST +EPOCH +STATE/);
  expect(out).toMatch(/^3\/4 +guild-1 +\d+ +Serving/m);
  expect((await tool("hosts")).out).toMatch(/^guild-0 +Ready +2 /m);
  await using _witness = await Witness.connect({ url: fleet.endpoints.gateway, token: owner.token });
  await waitFor(async () => (await tool("sessions")).out.includes(owner.id), soon);
});

test("a dry run changes nothing", async () => {
  const before = { owners: await owners(), processes: fleet.endpoints.processes, spec: fleet.spec };
  const backup = join(folder.path, "dry");
  const dry = [
    ["reshard", "apply", "--to", "8"],
    ["move", "0/4", "guild-1"],
    ["rebalance"],
    ["drain", "gateway-0"],
    ["drain", "guild-0"],
    ["pause"],
    ["backup", backup],
  ];
  for (const args of dry)
    expect([args.join(" "), (await tool(...args, "--dry-run")).code]).toEqual([args.join(" "), 0]);
  expect({ owners: await owners(), processes: fleet.endpoints.processes, spec: fleet.spec }).toEqual(before);
  expect((await shards()).reshard.phase).toBe("");
  expect(existsSync(backup)).toBe(false);
}, 120_000);

test.each([
  [{ shards: 6 }, "spec.shards: must be a power of two from 1 to 65536"],
  [{ shards: 2 }, "spec.shards: must stay 4 or become 8 (4 serve): shards are never merged"],
  [{ guild: { hosts: 0 } }, "spec.guild.hosts: must be from 1 to 64"],
  [{ guild: { hosts: 9 } }, "spec.guild.hosts: must not exceed spec.shards (4)"],
])("refuses the edit %j whole, and says where", async (changes, text) => {
  const before = { owners: await owners(), spec: fleet.spec, processes: fleet.endpoints.processes };
  const { ...good } = spec;
  save({ ...changes, paused: true });
  await waitFor(() => log().includes(text), soon);
  expect({ owners: await owners(), spec: fleet.spec, processes: fleet.endpoints.processes }).toEqual(before);
  for (const key of Object.keys(spec)) delete spec[key];
  save(good);
});

test("doubles the shards when the document says so, once that is approved, and nobody notices", async () => {
  const sessions = await whilePeopleTalk("double", async () => {
    save({ shards: 8 });
    await waitFor(async () => (await shards()).reshard.phase === "Planned", soon);
    const { planHash } = (await shards()).reshard;
    await waitFor(() => log().includes(`guildhall reshard approve ${planHash}`), soon);
    expect((await shards()).serving).toBe(4);
    expect((await tool("reshard", "plan")).out).toContain("4 -> 8 shards");
    expect((await tool("reshard", "approve", "wrong")).code).toBe(1);
    expect(await tool("reshard", "approve", planHash)).toMatchObject({
      code: 0,
      out: expect.stringContaining("4 -> 8"),
    });
    await waitFor(async () => (await shards()).reshard.phase === "Completed", whenCalm);
  });
  expect(await shards()).toMatchObject({ serving: 8, reshard: { phase: "Completed" } });
  expect(sessions).toEqual(people.map(() => ({ lost: 0, resumed: 0 })));
  expect(fleet.spec.spec.shards).toBe(8);
}, 400_000);

test("moves a shard to a host, and says which hosts there are", async () => {
  const from = await hostOf("3/8");
  const to = from === "guild-0" ? "guild-1" : "guild-0";
  await whilePeopleTalk("move", async () => {
    const out = await moved("3/8", to);
    expect(out).toMatch(new RegExp(`^moved 3/8 ${from} -> ${to}, pause \\d+ ms$`));
  });
  expect(await hostOf("3/8")).toBe(to);
  expect(await tool("move", "3/8", "guild-9")).toMatchObject({
    code: 1,
    err: "guildhall: host: no host guild-9: there are guild-0, guild-1",
  });
  expect((await tool("move", "3/4", "guild-0")).code).toBe(1);
}, 400_000);

test("drains a host and a gateway, and nothing is missed", async () => {
  const before = [pidOf("guild-1"), pidOf("gateway-0")];
  const sessions = await whilePeopleTalk("drain", async () => {
    expect(await tool("drain", "guild-1")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^restarted guild-1 /),
    });
    expect(await tool("drain", "gateway-0")).toMatchObject({ code: 0 });
    expect(await tool("drain", "gateway-1")).toMatchObject({ code: 0 });
  });
  expect([pidOf("guild-1"), pidOf("gateway-0")].every((pid, at) => pid !== undefined && pid !== before[at])).toBe(true);
  // Each gateway had to send its sessions away once.
  expect(sessions.map(({ lost, resumed }) => [lost, resumed > 0])).toEqual(people.map(() => [0, true]));
}, 400_000);

test("scales hosts and gateways up and down", async () => {
  await whilePeopleTalk("scale", async () => {
    save({ guild: { hosts: 3 }, gateway: { replicas: 3 } });
    await waitFor(() => names().includes("guild-2") && names().includes("gateway-2"), soon);
    await waitFor(async () => /^guild-2 +Ready/m.test((await tool("hosts")).out), soon);
    await moved("5/8", "guild-2");
    expect(await hostOf("5/8")).toBe("guild-2");
    save({ guild: { hosts: 2 }, gateway: { replicas: 2 } });
    await waitFor(() => !names().includes("guild-2") && !names().includes("gateway-2"), whenCalm);
  });
  expect((await shards()).shards.every(({ host }) => host === "guild-0" || host === "guild-1")).toBe(true);
}, 600_000);

test("tells the way of a message", async () => {
  const [guild] = guilds as [Community];
  await using witness = await Witness.connect({ url: fleet.endpoints.gateway, token: owner.token });
  const { id } = await owner.rest.post<APIMessage>(`/channels/${guild.channelId}/messages`, { content: "where to?" });
  await witness.next("MESSAGE_CREATE", (message) => message.id === id);
  const { steps } = await json<{ steps: { what: string; atUs: number }[] }>("trace", id);
  const whats = steps.map(({ what }) => what);
  expect(whats).toEqual(expect.arrayContaining(["decided", "journaled", "published", "received", "dispatched"]));
  expect(steps.map(({ atUs }) => atUs)).toEqual(steps.map(({ atUs }) => atUs).toSorted((a, b) => a - b));
  expect((await tool("trace", "1")).code).toBe(1);
});

test("holds everything still while it is paused", async () => {
  expect((await tool("pause")).code).toBe(0);
  expect((await tool("shards")).out).toContain("; paused");
  expect((await tool("resume")).code).toBe(0);
  expect((await tool("shards")).out).not.toContain("; paused");
});

const contentsOf = async (channelId: string) =>
  (await readHistory(owner.rest, channelId)).map(({ content }) => content);
const post = (channelId: string, content: string) => owner.rest.post(`/channels/${channelId}/messages`, { content });

test("backs a fleet up while people talk, and restores it, running or not", async () => {
  const [guild] = guilds as [Community];
  const backup = join(folder.path, "backups/first");
  await whilePeopleTalk("backup", async () => {
    await post(guild.channelId, "before the backup");
    expect(await tool("backup", backup)).toMatchObject({ code: 0 });
    await post(guild.channelId, "after the backup");
  });
  expect(await tool("backup", backup)).toMatchObject({ code: 1, err: expect.stringContaining("exists already") });
  expect(await tool("restore", folder.path)).toMatchObject({ code: 1, err: expect.stringContaining("is no backup") });
  expect(await contentsOf(guild.channelId)).toContain("after the backup");

  expect(await tool("restore", backup, "--dry-run")).toMatchObject({ code: 0 });
  expect(await tool("restore", backup)).toMatchObject({ code: 0, out: expect.stringContaining("restored") });
  expect(await contentsOf(guild.channelId)).toContain("before the backup");
  expect(await contentsOf(guild.channelId)).not.toContain("after the backup");
  await whilePeopleTalk("restored", async () => void (await post(guild.channelId, "after the restoration")));
  expect((await shards()).serving).toBe(8);

  await fleet[Symbol.asyncDispose]();
  expect(await tool("restore", backup)).toMatchObject({ code: 0, out: expect.stringContaining("restored") });
  fleet = await start();
  rest = makeRest(fleet.endpoints.api);
  owner = { ...owner, rest: rest.as(owner.token) };
  people = people.map((person) => ({ ...person, rest: rest.as(person.token) }));
  expect(await contentsOf(guild.channelId)).toContain("before the backup");
  expect(await contentsOf(guild.channelId)).not.toContain("after the restoration");
  expect(readdirSync(stateFolder()).filter((name) => name.startsWith("replaced-"))).toHaveLength(2);
}, 300_000);
