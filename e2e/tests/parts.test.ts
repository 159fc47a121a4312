import { validIntentsMask } from "@guildhall/protocol";
import { shardOf, slotOf } from "@guildhall/slots";
import { waitFor } from "@guildhall/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { type Acked, compareWithHistory, compareWitness, messagesSeen, readHistory } from "../src/history-check.ts";
import { startLoad } from "../src/load.ts";
import { type Community, join, makeCommunity, register } from "../src/people.ts";
import type { RestAnswer } from "../src/rest.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { Witness } from "../src/witness.ts";

// What stops with each process, and what goes on: the table of docs/architecture.md.
const shards = 4;
/** Longer than the silence after which losses on the bus are suspected. */
const standstillMs = 1_500;

let stage: Stage;
let witnesses: Witness[] = [];
/** One guild on each shard, so that each host has two. */
let guilds: Community[] = [];
let count = 0;
/** What came of every message so far, by channel. */
const acked = new Map<string, Acked[]>();
const refused = new Map<string, Set<string>>();

beforeAll(async () => {
  stage = await setStage();
  const byShard = new Map<number, Community>();
  while (byShard.size < shards) {
    const guild = await makeCommunity(stage.owner);
    byShard.set(shardOf(slotOf(BigInt(guild.id)), shards), guild);
  }
  guilds = [...byShard.values()];
  for (const guild of guilds) await stage.bots.add(stage.bot, guild, 8n);
}, 60_000);

afterAll(async () => {
  for (const witness of witnesses) await witness[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
}, 60_000);

afterEach(async () => {
  for (const witness of witnesses) await witness[Symbol.asyncDispose]();
  witnesses = [];
  // Whatever was stopped has to be there again for the next test.
  for (const { name } of stage.fleet.endpoints.processes) void stage.fleet.fleet.start(name);
  await stage.fleet.fleet.whenReady();
  await everythingWorks();
}, 60_000);

/** A session that sees all guilds; a persistent one begins anew by itself when it has to. */
async function watch(url = stage.fleet.gateway, persistent = false): Promise<Witness> {
  const witness = await Witness.connect({ url, token: stage.bot.token, intents: validIntentsMask, persistent });
  witnesses.push(witness);
  return witness;
}

/** Sessions of one gateway, that go on elsewhere by themselves when they must. */
function watchAt(gateway: string): Promise<Witness[]> {
  return Promise.all(Array.from({ length: 4 }, () => watch(stage.fleet.urlOf(gateway), true)));
}

/** Posts into a guild; whatever came of it. */
async function post({ channelId }: Community): Promise<RestAnswer> {
  count += 1;
  const content = `message ${count}`;
  const answer = await stage.owner.rest.send("POST", `/channels/${channelId}/messages`, { content });
  if (answer.status === 200) {
    acked.set(channelId, [...(acked.get(channelId) ?? []), { id: (answer.body as APIMessage).id, content }]);
  }
  if (answer.status === 503) refused.set(channelId, (refused.get(channelId) ?? new Set()).add(content));
  return answer;
}

/** Posts into a guild, which is to succeed and to be shown. */
async function postAndSee(guild: Community, witness: Witness): Promise<void> {
  const answer = await post(guild);
  expect(answer.status).toBe(200);
  const { id } = answer.body as { id: string };
  await witness.next("MESSAGE_CREATE", (message) => message.id === id);
}

/** Shows that a connection is served, although nothing else may be. */
async function expectBeat(witness: Witness): Promise<void> {
  const from = witness.socket.frames.length;
  witness.socket.send({ op: 1, d: witness.seq });
  await witness.socket.expect(({ op }) => op === 11, from);
}

const login = () =>
  stage.rest.send("POST", "/auth/login", { login: stage.member.name, password: stage.member.password });
const history = (guild: Community) => stage.owner.rest.send("GET", `/channels/${guild.channelId}/messages?limit=1`);

async function everythingWorks(): Promise<void> {
  const witness = await watch();
  for (const guild of guilds) {
    await waitFor(async () => (await post(guild)).status === 200, { timeoutMs: 30_000 });
    await postAndSee(guild, witness);
  }
  expect((await login()).status).toBe(200);
  for (const { channelId } of guilds) {
    const kept = (await readHistory(stage.owner.rest, channelId)).filter(({ author }) => author.id === stage.owner.id);
    const each = (acked.get(channelId) ?? []).map((message) => [message]);
    expect(compareWithHistory(each, kept)).toEqual([]);
    // 503 means that nothing was done.
    expect(kept.filter(({ content }) => refused.get(channelId)?.has(content))).toEqual([]);
  }
}

/** A promise that tells whether it is still open. */
function following<T>(promise: Promise<T>) {
  const state = { isSettled: false, promise };
  const settle = () => {
    state.isSettled = true;
  };
  promise.then(settle, settle);
  return state;
}

test("api: without it no REST; sessions stay, and get what happens by other ways", async () => {
  const witness = await watch();
  await stage.fleet.fleet.stop("api-0");
  await expect(post(guilds[0] as Community)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await expectBeat(witness);
  // The operator's tool does not go through it.
  const bot = await stage.bots.make(stage.owner, { name: "by-rpc" });
  await stage.bots.add(bot, guilds[0] as Community);
  await witness.next("GUILD_MEMBER_ADD", ({ user }) => user.id === bot.id);
  // Nor does a new session.
  expect((await watch()).ready?.user.id).toBe(stage.bot.id);
});

test("gateway: without one its sessions go on at the other, whose own do not notice; REST goes on", async () => {
  const own = await Promise.all(stage.fleet.namesOf("gateway").map((name) => watchAt(name)));
  const [leaving, staying] = own as [Witness[], Witness[]];
  await stage.fleet.fleet.stop("gateway-0");
  await waitFor(() => leaving.every(({ resumes }) => resumes > 0), { timeoutMs: 20_000 });
  for (const guild of guilds) for (const witness of own.flat()) await postAndSee(guild, witness);
  const became = (each: readonly Witness[]) => each.map(({ session, resumes }) => [session, resumes]);
  expect(became(leaving)).toEqual(leaving.map(() => [0, 1]));
  expect(became(staying)).toEqual(staying.map(() => [0, 0]));
});

test("router: without it nothing of guilds; logins and open connections go on, and sessions miss nothing", async () => {
  const witness = await watch();
  await stage.fleet.fleet.stop("router-0");
  const asked = Promise.all([...guilds.map(post), ...guilds.map(history)]);
  expect((await login()).status).toBe(200);
  expect((await stage.owner.rest.send("GET", "/users/@me")).status).toBe(200);
  await expectBeat(witness);
  expect((await asked).map(({ status }) => status)).toEqual([...guilds, ...guilds].map(() => 503));
  const waiting = guilds.map(post);
  await stage.fleet.fleet.start("router-0");
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(guilds.map(() => 200));
  for (const guild of guilds) await postAndSee(guild, witness);
  expect([witness.session, witness.resumes]).toEqual([0, 0]);
});

test("guild: without a host its guilds' commands and reads wait for the next owner; guilds of the other go on", async () => {
  const witness = await watch();
  await stage.fleet.fleet.stop("guild-0");
  const posts = guilds.map((guild) => ({ guild, answer: following(post(guild)), read: following(history(guild)) }));
  await waitFor(() => posts.some(({ answer, read }) => answer.isSettled && read.isSettled), { timeoutMs: 20_000 });
  const served = posts.filter(({ answer }) => answer.isSettled);
  const waiting = posts.filter(({ answer }) => !answer.isSettled);
  for (let round = 0; round < 5; round += 1) for (const { guild } of served) await postAndSee(guild, witness);
  for (const { answer } of served) expect((await answer.promise).status).toBe(200);
  expect(waiting.length).toBeGreaterThan(0);
  await expectBeat(witness);
  // The other host takes them over when the lease has lapsed: nobody starts this one again.
  for (const { answer, read, guild } of waiting) {
    expect([(await answer.promise).status, (await read.promise).status]).toEqual([200, 200]);
    await postAndSee(guild, witness);
  }
  expect([witness.session, witness.resumes]).toEqual([0, 0]);
});

test("user: without it no logins and no new sessions; known tokens post, and sessions are shown it", async () => {
  const witness = await watch();
  const stranger = await register(stage.rest, "stranger");
  const joining = await register(stage.rest, "joining");
  await using session = await Witness.connect({ url: stage.fleet.gateway, token: joining.token, persistent: true });
  const [guild] = guilds as [Community];
  await stage.fleet.fleet.stop("user-0");
  const form = { username: "too.early", password: "long enough", consent: true };
  const refusals = Promise.all([login(), stage.rest.send("POST", "/auth/register", form)]);
  const begun: Witness[] = [];
  const identifying = Witness.connect({ url: stage.fleet.gateway, token: stranger.token }).then(
    (fresh) => begun.push(fresh),
    () => undefined,
  );
  for (const each of guilds) await postAndSee(each, witness);
  for (const { status } of await Promise.all(guilds.map(history))) expect(status).toBe(200);
  // Who joins now is a member for the others at once, and finds the guild when `user` is back.
  await joining.rest.post(`/invites/${guild.invite}`, {});
  await witness.next("GUILD_MEMBER_ADD", ({ user }) => user.id === joining.id);
  expect((await refusals).map(({ status }) => status)).toEqual([503, 503]);
  await expectBeat(witness);
  expect(session.namesSince(0)).not.toContain("GUILD_CREATE");
  expect(begun).toEqual([]);
  await stage.fleet.fleet.start("user-0");
  await identifying;
  witnesses.push(...begun);
  await session.next("GUILD_CREATE", ({ id }) => id === guild.id);
  expect([witness.session, witness.resumes]).toEqual([0, 0]);
});

test("data: without it sends wait, then are refused, like old messages; logins and open connections go on", async () => {
  const witness = await watch();
  await stage.fleet.fleet.stop("data-0");
  const asked = Promise.all([...guilds.map(post), ...guilds.map(history)]);
  expect((await login()).status).toBe(200);
  expect((await stage.owner.rest.send("GET", "/users/@me")).status).toBe(200);
  await expectBeat(witness);
  const answers = await asked;
  expect(answers.map(({ status }) => status)).toEqual([...guilds, ...guilds].map(() => 503));
  for (const { headers } of answers) expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  await stage.fleet.fleet.start("data-0");
  for (const guild of guilds) {
    await waitFor(async () => (await post(guild)).status === 200, { timeoutMs: 30_000 });
    await postAndSee(guild, witness);
  }
  expect([witness.session, witness.resumes]).toEqual([0, 0]);
});

test("coordinator: without it everything that runs goes on; what starts anew waits for it", async () => {
  const witness = await watch();
  await stage.fleet.fleet.stop("coordinator-0");
  for (const guild of guilds) {
    await postAndSee(guild, witness);
    expect((await history(guild)).status).toBe(200);
  }
  expect((await login()).status).toBe(200);
  expect((await makeCommunity(stage.owner)).id).toMatch(/^\d+$/);
  await watch();
  const restarting = following(stage.fleet.fleet.restart("api-0"));
  await waitFor(
    () =>
      post(guilds[0] as Community).then(
        () => false,
        () => true,
      ),
    { timeoutMs: 20_000 },
  );
  await expectBeat(witness);
  expect(restarting.isSettled).toBe(false);
  await stage.fleet.fleet.start("coordinator-0");
  await restarting.promise;
  for (const guild of guilds) await postAndSee(guild, witness);
  expect([witness.session, witness.resumes]).toEqual([0, 0]);
});

test("processes that stand still for seconds and go on lose nothing, and cut nobody off", async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => watch()));
  const people = await Promise.all(["first", "second"].map((stem) => register(stage.rest, stem)));
  for (const guild of guilds) for (const person of people) await join(guild, person);
  const made = guilds.map(({ id }) =>
    stage.owner.rest.post<{ id: string }>(`/guilds/${id}/channels`, { name: "standstill" }),
  );
  const channelIds = (await Promise.all(made)).map(({ id }) => id);
  const load = startLoad({ people, channelIds, perSecond: 80, name: "standstill" });
  const { kill } = stage.fleet.fleet;
  // Longer than the lease of a host lasts: meanwhile, the guilds of the other go on.
  await kill("guild-0", "SIGSTOP");
  const before = load.ackedCount;
  await waitFor(() => load.ackedCount >= before + 260, { timeoutMs: 30_000 });
  await kill("guild-0", "SIGCONT");
  for (const name of ["data-0", "router-0", "gateway-0", "user-0", "api-0", "coordinator-0"]) {
    await kill(name, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, standstillMs));
    await kill(name, "SIGCONT");
    const { ackedCount } = load;
    await waitFor(() => load.ackedCount >= ackedCount + 80, { timeoutMs: 30_000 });
  }
  await load.stop();
  expect([load.failures, load.raised]).toEqual([[], []]);
  for (const channelId of channelIds) {
    const kept = await readHistory(stage.owner.rest, channelId);
    const senders = load.streams.filter((stream) => stream.channelId === channelId).map((stream) => stream.acked);
    expect(compareWithHistory(senders, kept)).toEqual([]);
    for (const [at, witness] of all.entries()) {
      await waitFor(() => messagesSeen(witness, channelId).length === kept.length, { timeoutMs: 20_000 });
      expect(compareWitness(`session ${at}`, witness, channelId, kept)).toEqual([]);
      expect([witness.session, witness.resumes, witness.socket.closed]).toEqual([0, 0, undefined]);
    }
  }
});
