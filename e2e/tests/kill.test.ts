import { validIntentsMask } from "@guildhall/protocol";
import { shardOf, slotOf } from "@guildhall/slots";
import { timestampMsOf } from "@guildhall/snowflake";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { compareWithHistory, compareWitness, messagesSeen, readHistory } from "../src/history-check.ts";
import { type Load, longestPauseMs, startLoad } from "../src/load.ts";
import { type Community, join, makeCommunity, type Person, register } from "../src/people.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { type Dispatch, Witness } from "../src/witness.ts";

// At least 200 messages a second for at least 20 seconds, for each kind of process.
const perSecond = 240;
const leastMs = 20_000;
const leastMessages = 4_000;
const leastInFlight = 8;
const shards = 4;

/** Each kind of process, and whom to kill: every one of the kind, or the only one twice. */
const kinds = [
  ["api", "api-0", "api-0"],
  ["gateway", "gateway-0", "gateway-1"],
  ["router", "router-0", "router-0"],
  ["guild", "guild-0", "guild-1"],
  ["user", "user-0", "user-0"],
  ["data", "data-0", "data-0"],
  ["coordinator", "coordinator-0", "coordinator-0"],
] as const;

interface Listener {
  readonly name: string;
  readonly witness: Witness;
  /** Whether its network fails whenever a process is killed. */
  readonly isShaky: boolean;
}

let stage: Stage;
let people: Person[] = [];
/** One guild on each shard: two on each host. */
let guilds: Community[] = [];
let listeners: Listener[] = [];

beforeAll(async () => {
  stage = await setStage();
  people = await Promise.all(Array.from({ length: 8 }, (_, at) => register(stage.rest, `sender${at}`)));
  guilds = await guildOnEachShard();
  listeners = await listenersOnEachGateway();
}, 120_000);

afterAll(async () => {
  for (const { witness } of listeners) await witness[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
}, 60_000);

async function guildOnEachShard(): Promise<Community[]> {
  const found = new Map<number, Community>();
  while (found.size < shards) {
    const guild = await makeCommunity(stage.owner);
    const shard = shardOf(slotOf(BigInt(guild.id)), shards);
    if (!found.has(shard)) found.set(shard, guild);
  }
  const made = [...found.values()];
  for (const guild of made) {
    await stage.bots.add(stage.bot, guild, 8n);
    for (const person of people) await join(guild, person);
  }
  return made;
}

/** On each gateway at first: a bot, a person with zlib-stream, and a person with zlib-stream whose network is bad. */
async function listenersOnEachGateway(): Promise<Listener[]> {
  const made: Listener[] = [];
  const [quiet, shaky] = people as [Person, Person];
  for (const [at, name] of stage.fleet.namesOf("gateway").entries()) {
    const url = stage.fleet.urlOf(name);
    const common = { url, persistent: true, trim };
    const bot = { ...common, token: stage.bot.token, intents: validIntentsMask };
    const person = { ...common, compress: "zlib-stream" } as const;
    made.push(
      { name: `bot at ${at}`, isShaky: false, witness: await Witness.connect(bot) },
      { name: `person at ${at}`, isShaky: false, witness: await Witness.connect({ ...person, token: quiet.token }) },
      { name: `shaky at ${at}`, isShaky: true, witness: await Witness.connect({ ...person, token: shaky.token }) },
    );
  }
  return made;
}

/** All that the comparisons look at: there are hundreds of thousands of dispatches. */
function trim({ t, s, d, session }: Dispatch): Dispatch {
  const { id, channel_id } = d as { id?: string; channel_id?: string };
  return { t, s, session, text: "", d: t === "READY" ? d : { id, channel_id } };
}

/** Makes a channel in each guild, for the messages of one test alone. */
async function channelsFor(name: string): Promise<string[]> {
  const made = guilds.map((guild) => stage.owner.rest.post<{ id: string }>(`/guilds/${guild.id}/channels`, { name }));
  return (await Promise.all(made)).map(({ id }) => id);
}

interface Kill {
  readonly atMs: number;
  readonly backMs: number;
  readonly inFlight: number;
}

/** Kills a process while it is answering, and waits until it is back. */
async function killUnder(load: Load, name: string): Promise<Kill> {
  await load.whenInFlight(leastInFlight);
  const killed = stage.fleet.killAndAwait(name);
  const { inFlight } = load;
  const atMs = Date.now();
  const dropped = listeners.filter(({ isShaky }) => isShaky).map(({ witness }) => witness.drop());
  await Promise.all([killed, ...dropped]);
  return { atMs, backMs: Date.now(), inFlight };
}

async function untilAcked(load: Load, share: number, startMs: number): Promise<void> {
  const isDone = () => load.ackedCount >= share * leastMessages && Date.now() - startMs >= share * leastMs;
  await waitFor(isDone, { timeoutMs: 120_000 });
}

/** What is said of a kill to who reads the log. */
function figures(
  kind: string,
  load: Load,
  channelIds: readonly string[],
  kills: readonly Kill[],
  ms: number,
): string[] {
  const rate = Math.round((1_000 * load.ackedCount) / ms);
  const retried = [...load.retried].map(([why, times]) => `${times} × ${why}`).join(", ");
  return [
    `${kind}: ${load.ackedCount} acked, ${rate}/s; retried: ${retried || "none"}; raised: ${load.raised.length}`,
    ...kills.map(({ atMs, backMs, inFlight }) => {
      const pauses = channelIds.map((id) => longestPauseMs(load, id, atMs, backMs + 5_000));
      const before = load.streams.flatMap(({ acked }) => acked).filter((each) => wasDecidedBefore(each, atMs)).length;
      return `  in flight ${inFlight}, of those decided before ${before}; back after ${backMs - atMs} ms; pauses ${pauses} ms`;
    }),
  ];
}

/** An id is made in the turn that decides the message, just before its record is appended. */
function wasDecidedBefore({ id, ackedAtMs }: { id: string; ackedAtMs: number }, atMs: number): boolean {
  return ackedAtMs >= atMs && timestampMsOf(BigInt(id)) <= atMs;
}

/** How often a listener was given a session, and how often it resumed it. */
function connectionsOf({ witness: { dispatches } }: Listener) {
  const times = (name: string) => dispatches.filter(({ t }) => t === name).length;
  return { sessions: times("READY"), resumes: times("RESUMED") };
}

type History = Awaited<ReturnType<typeof readHistory>>;

/** Waits, not for ever, until every listener was shown the last message of every channel. */
async function untilShown(histories: ReadonlyMap<string, History>): Promise<void> {
  const isLast = ({ witness }: Listener, [channelId, history]: readonly [string, History]) =>
    messagesSeen(witness, channelId).at(-1)?.id === history.at(-1)?.id;
  const areAllShown = () => listeners.every((listener) => [...histories].every((each) => isLast(listener, each)));
  await waitFor(areAllShown, { timeoutMs: 20_000, pollMs: 100 }).catch(() => {
    // The comparison says what is missing.
  });
}

/** What is wrong with what a listener saw of a channel. */
function listenerProblems({ name, witness }: Listener, channelId: string, history: History): string[] {
  const problems = compareWitness(name, witness, channelId, history);
  const seen = messagesSeen(witness, channelId);
  const last = history.at(-1)?.id;
  if (seen.at(-1)?.id !== last) problems.push(`${name}: ${last}, the last one, was not shown`);
  if (seen.length !== history.length) problems.push(`${name}: was shown ${seen.length} of ${history.length}`);
  return problems;
}

for (const [kind, first, second] of kinds) {
  test(`${kind}: kill -9 under load loses, doubles and reorders nothing`, async () => {
    const channelIds = await channelsFor(`killed-${kind}`);
    const before = listeners.map(connectionsOf);
    const startMs = Date.now();
    const load = startLoad({ people, channelIds, perSecond, name: kind });
    await untilAcked(load, 0.2, startMs);
    const kills = [await killUnder(load, first)];
    await untilAcked(load, 0.6, startMs);
    kills.push(await killUnder(load, second));
    await untilAcked(load, 1, startMs);
    const ms = Date.now() - startMs;
    await load.stop();
    stage.fleet.note(...figures(kind, load, channelIds, kills, ms));

    expect(load.failures).toEqual([]);
    // No sender was told of more than a request to repeat, but that nobody listens where there is no API, or that one kept
    // connection after another is dead.
    const unavoidable = kind === "api" ? ["ECONNREFUSED", "ECONNRESET"] : [];
    expect(load.raised.filter((why) => !unavoidable.includes(why))).toEqual([]);
    const histories = new Map<string, History>();
    for (const channelId of channelIds) histories.set(channelId, await readHistory(stage.owner.rest, channelId));
    await untilShown(histories);
    const problems = [...histories].flatMap(([channelId, history]) => {
      const senders = load.streams.filter((stream) => stream.channelId === channelId).map(({ acked }) => acked);
      const seen = listeners.flatMap((each) => listenerProblems(each, channelId, history));
      return [...compareWithHistory(senders, history), ...seen];
    });
    // What is wrong is wrong many times over.
    expect([problems.length, problems.slice(0, 20)]).toEqual([0, []]);
    // Nobody had to begin anew; who was not on a killed gateway was never cut off but by the network.
    const after = listeners.map(connectionsOf).map(({ sessions, resumes }, at) => ({
      sessions: sessions - (before[at]?.sessions ?? 0),
      resumes: resumes - (before[at]?.resumes ?? 0),
    }));
    // A session of a killed gateway goes on elsewhere, once or, where it went to the other one that is killed, twice.
    const expected = listeners.map(({ isShaky }) => {
      const resumes = kind === "gateway" ? expect.any(Number) : isShaky ? kills.length : 0;
      return { sessions: 0, resumes };
    });
    expect(after).toEqual(expected);
  }, 150_000);
}
