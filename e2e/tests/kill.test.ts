import { validIntentsMask } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { compareWithHistory, compareWitness, messagesSeen, readHistory } from "../src/history-check.ts";
import { type Load, startLoad } from "../src/load.ts";
import { type Community, makeCommunity, type Person, register } from "../src/people.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { Witness } from "../src/witness.ts";

// At least 200 messages a second for at least 20 seconds, for each kind of process.
const perSecond = 240;
const leastMs = 20_000;
const leastMessages = 4_000;
const shards = 4;

const kinds = [
  ["api", "api-0", "api-0"],
  ["gateway", "gateway-0", "gateway-1"],
  ["router", "router-0", "router-0"],
  ["guild", "guild-0", "guild-1"],
  ["user", "user-0", "user-0"],
  ["data", "data-0", "data-0"],
  ["coordinator", "coordinator-0", "coordinator-0"],
] as const;

let stage: Stage;
let people: Person[] = [];
/** One guild on each shard. */
let guilds: Community[] = [];
let witnesses: Witness[] = [];

beforeAll(async () => {
  stage = await setStage();
  people = await Promise.all(Array.from({ length: 8 }, (_, at) => register(stage.rest, `sender${at}`)));
  guilds = await guildOnEachShard();
  for (const guild of guilds) await stage.bots.add(stage.bot, guild, 8n);
  witnesses = await witnessesOnEachGateway();
}, 120_000);

afterAll(async () => {
  for (const witness of witnesses) await witness[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
}, 60_000);

async function guildOnEachShard(): Promise<Community[]> {
  const found = new Map<number, Community>();
  while (found.size < shards) {
    const guild = await makeCommunity(stage.owner);
    const shard = Number((BigInt(guild.id) >> 22n) % BigInt(shards));
    if (found.has(shard)) continue;
    found.set(shard, guild);
    for (const person of people) await person.rest.post(`/invites/${guild.invite}`, {});
  }
  return [...found.values()];
}

/** Two sessions on each gateway, one of them compressed. */
async function witnessesOnEachGateway(): Promise<Witness[]> {
  const found = new Map<string, Witness[]>();
  await waitFor(
    async () => {
      const here = [...found.values()].map((each) => each.length);
      if (here.length === 2 && here.every((count) => count === 2)) return true;
      const witness = await Witness.connect({
        url: stage.fleet.gateway,
        token: stage.bot.token,
        intents: validIntentsMask,
        compress: found.size % 2 === 0 ? undefined : "zlib-stream",
        persistent: true,
      });
      const own = gatewayOf(witness);
      const others = found.get(own) ?? [];
      if (others.length < 2) found.set(own, [...others, witness]);
      else await witness[Symbol.asyncDispose]();
      return false;
    },
    { timeoutMs: 60_000 },
  );
  return [...found.values()].flat();
}

/** The address of the very gateway that holds a session. */
function gatewayOf({ ready }: Witness): string {
  return ready?.resume_gateway_url ?? "";
}

/** Makes a channel in each guild, for the messages of one test alone. */
async function channelsFor(name: string): Promise<string[]> {
  const made = guilds.map((guild) => stage.owner.rest.post<{ id: string }>(`/guilds/${guild.id}/channels`, { name }));
  return (await Promise.all(made)).map(({ id }) => id);
}

/** Kills a process while appends are under way, waits until it is back, and checks which sessions noticed. */
async function killUnder(load: Load, name: string): Promise<void> {
  const before = witnesses.map((witness) => ({ ...sessionOf(witness), gateway: gatewayOf(witness) }));
  await waitFor(() => load.inFlight >= 4, { timeoutMs: 20_000, pollMs: 1 });
  await stage.fleet.killAndAwait(name);
  if (!name.startsWith("gateway")) {
    expect(witnesses.map(sessionOf)).toEqual(before.map(({ session, resumes }) => ({ session, resumes })));
    return;
  }
  // Those that it held begin anew, and only those.
  const isNew = (at: number) => witnesses[at]?.session === (before[at]?.session ?? 0) + 1;
  const killed = await waitFor(() => before.find((_, at) => isNew(at))?.gateway, { timeoutMs: 20_000 });
  const here = (is: boolean) => [...before.keys()].filter((at) => (before[at]?.gateway === killed) === is);
  await waitFor(() => here(true).every((at) => isNew(at) && witnesses[at]?.ready !== undefined), { timeoutMs: 20_000 });
  for (const at of here(false)) expect(before[at]).toMatchObject(sessionOf(witnesses[at] as Witness));
}

function sessionOf({ session, resumes }: Witness) {
  return { session, resumes };
}

async function untilAcked(load: Load, count: number, fromMs: number, ms: number): Promise<void> {
  await waitFor(() => load.ackedCount >= count && performance.now() - fromMs >= ms, { timeoutMs: 90_000 });
}

for (const [kind, first, second] of kinds) {
  test(`${kind}: kill -9 under load loses, doubles and reorders nothing`, async () => {
    const channelIds = await channelsFor(`killed-${kind}`);
    const before = witnesses.map(sessionOf);
    const startMs = performance.now();
    const load = startLoad({ people, channelIds, perSecond, name: kind });
    await untilAcked(load, leastMessages / 5, startMs, leastMs / 5);
    await killUnder(load, first);
    await untilAcked(load, (3 * leastMessages) / 5, startMs, (3 * leastMs) / 5);
    await killUnder(load, second);
    await untilAcked(load, leastMessages, startMs, leastMs);
    await load.stop();
    expect(load.failures).toEqual([]);

    const histories = await Promise.all(channelIds.map((id) => readHistory(stage.owner.rest, id)));
    const problems: string[] = [];
    for (const [at, channelId] of channelIds.entries()) {
      const history = histories[at] ?? [];
      const senders = load.streams.filter((stream) => stream.channelId === channelId).map(({ acked }) => acked);
      problems.push(...compareWithHistory(senders, history));
      for (const [number, witness] of witnesses.entries()) {
        const last = history.at(-1)?.id;
        await waitFor(() => messagesSeen(witness, channelId).at(-1)?.id === last, { timeoutMs: 20_000 });
        problems.push(...compareWitness(`listener ${number}`, witness, channelId, history));
        const isCut = kind === "gateway";
        if (!isCut && messagesSeen(witness, channelId).length !== history.length) {
          problems.push(`listener ${number} was shown ${messagesSeen(witness, channelId).length} of ${history.length}`);
        }
      }
    }
    expect(problems).toEqual([]);
    // Nobody's session was touched but by the end of its own gateway.
    if (kind !== "gateway") expect(witnesses.map(sessionOf)).toEqual(before);
  }, 240_000);
}
