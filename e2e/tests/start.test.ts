import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Endpoints } from "@guildhall/dev";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIGuildMember, APIMessage, APIUser } from "discord-api-types/v10";
import { makeRest, readHistory, Witness } from "../src/index.ts";
import { type Command, runCommand } from "../src/start-command.ts";

// The tests follow one another on one state folder, as a newcomer's first hour does.

const ids = /^\d{17,20}$/;
const dottedToken = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const person = {
  id: expect.stringMatching(ids),
  token: expect.stringMatching(dottedToken),
  login: expect.any(String),
  password: expect.any(String),
};

let folder: ReturnType<typeof makeTempDir>;
let state: string;
let fleet: Command;

// Without what runs before it: that may install anew, and this very test runs on what is installed.
const npmStart = (...args: string[]) => runCommand("npm", ["start", "--ignore-scripts", "--", ...args]);
const guildhall = (...args: string[]) => runCommand("cli/bin/guildhall.mjs", ["--state", state, ...args]);
const endpointsFile = () => join(state, "endpoints.json");
const endpoints = () => JSON.parse(readFileSync(endpointsFile(), "utf8")) as Endpoints;
function demo() {
  const found = endpoints().demo;
  if (found === undefined) throw new Error("there is no demo");
  return found;
}

/** Runs a command to its end and returns what it answered. */
async function answerOf(started: Command): Promise<string> {
  await using command = started;
  command.endInput();
  const { code } = await command.ended();
  expect([code, command.stderr]).toEqual([0, expect.anything()]);
  return command.stdout;
}

/** `npm start` with what it must refuse: what it said of it. */
async function refusalOf(...args: string[]): Promise<string> {
  await using command = npmStart(...args);
  expect(await command.ended()).toEqual({ code: 1, signal: null });
  // npm may say that the script failed; what Guildhall says is one line.
  const lines = command.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("npm "));
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

beforeAll(async () => {
  folder = makeTempDir();
  state = join(folder.path, "state");
  fleet = npmStart("--state", state, "--port", "0");
  await fleet.says(/Guildhall is ready/);
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test("npm start ends in a table of what runs and how to reach it; endpoints.json says the same", async () => {
  const found = endpoints();
  expect((statSync(endpointsFile()).mode & 0o777).toString(8)).toBe("600");
  expect(found).toEqual({
    api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/api\/v10$/),
    gateway: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
    cdn: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/cdn$/),
    processes: expect.any(Array),
    demo: {
      guildId: expect.stringMatching(ids),
      channelId: expect.stringMatching(ids),
      owner: person,
      member: person,
      bot: {
        applicationId: expect.stringMatching(ids),
        id: expect.stringMatching(ids),
        token: expect.stringMatching(dottedToken),
      },
    },
  });
  expect(found.processes.map(({ name, service }) => [name, service])).toEqual(
    expect.arrayContaining([
      ["api-0", "api"],
      ["gateway-0", "gateway"],
      ["gateway-1", "gateway"],
      ["router-0", "router"],
      ["guild-0", "guild"],
      ["guild-1", "guild"],
      ["user-0", "user"],
      ["data-0", "data"],
      ["coordinator-0", "coordinator"],
    ]),
  );
  expect(found.processes).toHaveLength(9);
  await fleet.says(/And somebody who says it:\n\n.*\n/);
  for (const { name, pid, metrics } of found.processes) {
    expect(fleet.stdout).toMatch(new RegExp(`${name} .*${pid} .*${metrics}`));
    expect(await (await fetch(metrics)).text()).toContain("# TYPE ");
  }
  const { owner, member, bot, guildId, channelId } = demo();
  const told = [found.api, found.gateway, guildId, channelId, bot.token];
  for (const { login, password, token } of [owner, member]) told.push(login, password, token);
  for (const each of told) expect(fleet.stdout).toContain(each);
});

test("the line that it prints connects a stock bot that answers !ping", async () => {
  const [line] = await fleet.says(/^node --input-type=module -e '.*'$/m);
  await using bot = runCommand("bash", ["-c", line]);
  await bot.says(/ready as /);
  const { channelId, member, bot: account } = demo();
  const rest = makeRest(endpoints().api, member.token);
  const asked = await rest.post<APIMessage>(`/channels/${channelId}/messages`, { content: "!ping" });
  const reply = await waitFor(
    async () => (await readHistory(rest, channelId)).find(({ message_reference: of }) => of?.message_id === asked.id),
    { timeoutMs: 20_000, pollMs: 100 },
  );
  expect(reply).toMatchObject({ content: "pong", author: { id: account.id, bot: true } });
});

test("chat shows both sides", async () => {
  const { owner, member } = demo();
  await using one = guildhall("chat", "--as", owner.login);
  await using other = guildhall("chat", "--as", member.login);
  await waitFor(() => [one, other].every(({ stderr }) => stderr.includes("connected to #")), { timeoutMs: 20_000 });
  one.type("is anybody here?");
  await other.says(/is anybody here\?/);
  other.type("so it seems");
  const both = /is anybody here\?.*\n.*so it seems/;
  await one.says(both);
  await other.says(both);
  one.type("/quit");
  other.endInput();
  expect(await Promise.all([one.ended(), other.ended()])).toEqual(Array(2).fill({ code: 0, signal: null }));
});

test("status tells every process", async () => {
  const found = JSON.parse(await answerOf(guildhall("status", "-o", "json")));
  const { api, gateway, processes } = endpoints();
  expect(found).toEqual({ api, gateway, processes: expect.any(Array) });
  expect(found.processes.map(({ name, pid, state }: Record<string, unknown>) => [name, pid, state])).toEqual(
    processes.map(({ name, pid }) => [name, pid, "ready"]),
  );
  expect(await answerOf(guildhall("status"))).toContain("coordinator-0");
});

test("bots create makes a bot that can log in and is in the guild", async () => {
  const { guildId } = demo();
  const made = JSON.parse(
    await answerOf(guildhall("bots", "create", "--name", "newcomer", "--guild", guildId, "-o", "json")),
  );
  expect(made).toEqual({
    application_id: expect.stringMatching(ids),
    bot_id: expect.stringMatching(ids),
    name: "newcomer",
    guild_id: guildId,
    token: expect.stringMatching(dottedToken),
  });
  const { api, gateway } = endpoints();
  expect(await makeRest(api, `Bot ${made.token}`).get<APIUser>("/users/@me")).toMatchObject({
    id: made.bot_id,
    username: "newcomer",
    bot: true,
  });
  await using session = await Witness.connect({ url: gateway, token: made.token, intents: 1 });
  expect((await session.guild(guildId)).id).toBe(guildId);
});

test("seed fills the guild with people, and may be repeated", async () => {
  const { guildId, bot } = demo();
  const rest = makeRest(endpoints().api, `Bot ${bot.token}`);
  const people = async () => {
    const members = await rest.get<APIGuildMember[]>(`/guilds/${guildId}/members?limit=1000`);
    return members.map(({ user }) => user.username).filter((name) => /^person\d+$/.test(name));
  };
  for (const round of [1, 2]) {
    expect([round, await answerOf(guildhall("seed", "--people", "50"))]).toEqual([
      round,
      expect.stringMatching(/^50 people/),
    ]);
    expect((await people()).toSorted()).toEqual(
      Array.from({ length: 50 }, (_, index) => `person${index + 1}`).toSorted(),
    );
  }
});

test("the tool says in one line that it knows no such account", async () => {
  await using command = guildhall("bots", "create", "--name", "orphan", "--owner", "nobody-at-all");
  expect(await command.ended()).toEqual({ code: 1, signal: null });
  expect(command.stderr.trimEnd()).toMatch(/^.+$/);
});

test("endpoints.json follows a process that was killed and started again", async () => {
  const pidOf = () => endpoints().processes.find(({ name }) => name === "gateway-1")?.pid ?? 0;
  const before = pidOf();
  process.kill(before, "SIGKILL");
  const after = await waitFor(() => (pidOf() === before ? 0 : pidOf()), { timeoutMs: 20_000 });
  process.kill(after, 0);
  expect((statSync(endpointsFile()).mode & 0o777).toString(8)).toBe("600");
});

test("a second fleet on the same folder is refused in one line, and the first goes on", async () => {
  expect(await refusalOf("--state", state, "--port", "0")).toMatch(
    /another fleet \(process \d+\) runs on .* --state DIR/,
  );
  expect(JSON.parse(await answerOf(guildhall("status", "-o", "json"))).processes).toHaveLength(9);
});

test("SIGTERM ends it with 0; what was said and who was made is there at the next start", async () => {
  const before = demo();
  const rest = makeRest(endpoints().api, before.member.token);
  const said = await rest.post<APIMessage>(`/channels/${before.channelId}/messages`, { content: "see you later" });
  const running = endpoints().processes;
  fleet.signal("SIGTERM");
  expect(await fleet.ended()).toEqual({ code: 0, signal: null });
  expect(existsSync(endpointsFile())).toBe(false);
  for (const { pid } of running) expect(() => process.kill(pid, 0)).toThrow("ESRCH");

  fleet = npmStart("--state", state, "--port", "0");
  await fleet.says(/Guildhall is ready/);
  expect(demo()).toEqual(before);
  const { api, gateway } = endpoints();
  const history = await readHistory(makeRest(api, before.member.token), before.channelId);
  expect(history.at(-1)).toMatchObject({ id: said.id, content: "see you later" });
  await using bot = await Witness.connect({ url: gateway, token: before.bot.token, intents: 1 });
  expect((await bot.guild(before.guildId)).id).toBe(before.guildId);
});

test("Ctrl-C ends it with 0", async () => {
  fleet.signalAll("SIGINT");
  expect(await fleet.ended()).toEqual({ code: 0, signal: null });
  expect(existsSync(endpointsFile())).toBe(false);
});

test("a taken port, state of another version and a broken spec are one clear line each", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    const said = await refusalOf("--state", state, "--port", String(port));
    expect(said).toMatch(new RegExp(`PORT_TAKEN: port ${port} .* is taken: .*--port N`));
  } finally {
    server.close();
  }
  const other = join(folder.path, "other");
  await mkdir(other);
  writeFileSync(join(other, "version"), "99\n");
  expect(await refusalOf("--state", other, "--port", "0")).toMatch(/STATE_VERSION: .* has version 99.*--state DIR/);
  const spec = join(folder.path, "spec.yaml");
  writeFileSync(spec, "apiVersion: guildhall.dev/v1alpha1\nkind: ShardSet\nmetadata: {name: x}\nspec: {shards: 3}\n");
  expect(await refusalOf("--state", state, "--spec", spec)).toMatch(/BAD_SPEC: .*spec\.shards: must be a power of two/);
});
