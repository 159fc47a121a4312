import { validIntentsMask } from "@guildhall/protocol";
import { createGatewayClient } from "@guildhall/rpc";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { type Compression, openGatewaySocket } from "../src/gateway-socket.ts";
import { compareWitness, messagesSeen, numberingProblems, readHistory } from "../src/history-check.ts";
import { startLoad } from "../src/load.ts";
import { type Person, register } from "../src/people.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { Witness } from "../src/witness.ts";

const encodings: readonly (Compression | undefined)[] = [undefined, "zlib-stream", "zstd-stream"];
const perSecond = 120;

/** How many sessions of each state a gateway has. */
async function describeGateway(stage: Stage, name: string) {
  await using client = createGatewayClient(stage.fleet.fleet.addressOf(name));
  return await client.call("describeSessions", { limit: 100 });
}

function watchAt(stage: Stage, name: string, compress?: Compression): Promise<Witness> {
  const all = { token: stage.bot.token, intents: validIntentsMask, compress };
  return Witness.connect({ url: stage.fleet.urlOf(name), ...all });
}

/** What a session was told of the stage's guild from a message on. */
function told({ dispatches }: Witness, stage: Stage, from: APIMessage): readonly (readonly [string, unknown])[] {
  const own = dispatches.filter(({ text }) => text.includes(stage.guild.id)).map(({ t, d }) => [t, d] as const);
  return own.slice(own.findIndex(([, d]) => (d as APIMessage).id === from.id));
}

function postMany(stage: Stage, stem: string, count: number): Promise<APIMessage[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => stage.post(`${stem} ${at}`)));
}

async function seen(witness: Witness, { id }: APIMessage): Promise<void> {
  await witness.next("MESSAGE_CREATE", (message) => message.id === id);
}

describe("two gateways", () => {
  let stage: Stage;
  let people: Person[] = [];

  beforeAll(async () => {
    stage = await setStage();
    people = await Promise.all(Array.from({ length: 4 }, () => stage.newcomer("sender")));
  }, 120_000);

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  }, 60_000);

  test("every session is told the one public address", async () => {
    for (const name of stage.fleet.namesOf("gateway")) {
      await using session = await watchAt(stage, name);
      expect(session.ready?.resume_gateway_url).toBe(stage.fleet.gateway);
    }
  });

  test("sessions of a killed gateway go on where they were, whatever their encoding", async () => {
    await using steady = await watchAt(stage, "gateway-1");
    await using stack = new AsyncDisposableStack();
    const sessions: Witness[] = [];
    for (const compress of encodings) sessions.push(stack.use(await watchAt(stage, "gateway-0", compress)));
    const begin = await stage.post("begin");
    for (const each of [steady, ...sessions]) await seen(each, begin);
    const last = (await postMany(stage, "before", 20)).at(-1) as APIMessage;
    await seen(sessions[0] as Witness, last);
    await stage.fleet.fleet.kill("gateway-0");
    await postMany(stage, "during", 40);
    await stage.channel({ name: "made-without-the-gateway" });
    expect(await Promise.all(sessions.map((session) => session.resume()))).toEqual([true, true, true]);
    await postMany(stage, "after", 20);
    const end = await stage.post("end");
    for (const each of [steady, ...sessions]) await seen(each, end);
    for (const session of sessions) {
      expect(numberingProblems("resumed", session.dispatches)).toEqual([]);
      expect(session.namesSince(0).filter((name) => name === "READY" || name === "RESUMED")).toEqual([
        "READY",
        "RESUMED",
      ]);
      expect(told(session, stage, begin)).toEqual(told(steady, stage, begin));
    }
    await stage.fleet.fleet.whenReady("gateway-0");
  }, 60_000);

  test("a session goes from gateway to gateway, again and again", async () => {
    await using steady = await watchAt(stage, "gateway-1");
    await using session = await watchAt(stage, "gateway-0");
    const begin = await stage.post("begin");
    for (const each of [steady, session]) await seen(each, begin);
    for (let round = 0; round < 6; round++) {
      await session.drop();
      const missed = await stage.post(`missed in ${round}`);
      expect(await session.resume()).toBe(true);
      await seen(session, missed);
      await seen(session, await stage.post(`seen in ${round}`));
    }
    const end = await stage.post("end");
    for (const each of [steady, session]) await seen(each, end);
    expect(numberingProblems("wandering", session.dispatches)).toEqual([]);
    expect(told(session, stage, begin).filter(([t]) => t !== "RESUMED")).toEqual(told(steady, stage, begin));
  });

  test("who holds another's token gets nothing, and its holder is left alone", async () => {
    for (const isKilled of [false, true]) {
      await using session = await watchAt(stage, "gateway-0");
      const begin = await stage.post("begin");
      await seen(session, begin);
      const { session_id, resume_gateway_url: url } = session.ready as NonNullable<Witness["ready"]>;
      if (isKilled) await stage.fleet.fleet.kill("gateway-0");
      const urls = isKilled ? [url] : stage.fleet.namesOf("gateway").map((name) => stage.fleet.urlOf(name));
      for (const each of urls) {
        const thief = await openGatewaySocket(each);
        thief.send({ op: 6, d: { token: stage.member.token, session_id, seq: session.seq } });
        expect((await thief.expect(({ op }) => op === 9)).d).toBe(false);
        expect(thief.frames.every(({ t }) => t === null)).toBe(true);
        thief.close(1000);
      }
      if (isKilled) expect(await session.resume()).toBe(true);
      expect(session.socket.closed).toBeUndefined();
      await seen(session, await stage.post("after the theft"));
      expect(numberingProblems("robbed", session.dispatches)).toEqual([]);
      await stage.fleet.fleet.whenReady("gateway-0");
    }
  }, 60_000);

  test("a drain under load loses, doubles and reorders nothing, and nobody begins anew", async () => {
    const { id: channelId } = await stage.channel({ name: "drained" });
    await using stack = new AsyncDisposableStack();
    const witnesses: Witness[] = [];
    for (let at = 0; at < 12; at++) {
      const url = stage.fleet.urlOf("gateway-0");
      const compress = encodings[at % encodings.length];
      const token =
        at % 2 === 0 ? { token: stage.bot.token, intents: validIntentsMask } : { token: (people[0] as Person).token };
      witnesses.push(stack.use(await Witness.connect({ url, ...token, compress, persistent: true })));
    }
    const load = startLoad({ people, channelIds: [channelId], perSecond, name: "drain" });
    await waitFor(() => load.ackedCount > 2 * perSecond, { timeoutMs: 30_000 });
    const pid = stage.fleet.pidOf("gateway-0");
    await stage.fleet.fleet.restart("gateway-0");
    expect(stage.fleet.pidOf("gateway-0")).not.toBe(pid);
    const { ackedCount } = load;
    await waitFor(() => load.ackedCount > ackedCount + perSecond, { timeoutMs: 30_000 });
    await load.stop();
    expect(load.failures).toEqual([]);
    const history = await readHistory(stage.owner.rest, channelId);
    const last = history.at(-1) as APIMessage;
    for (const [at, witness] of witnesses.entries()) {
      await seen(witness, last);
      expect(compareWitness(`witness ${at}`, witness, channelId, history)).toEqual([]);
      expect(messagesSeen(witness, channelId)).toHaveLength(history.length);
      expect([witness.session, witness.resumes]).toEqual([0, 1]);
    }
  }, 120_000);

  test("sessions of a gateway that hangs go on at the other, and it does no harm when it wakes", async () => {
    await using steady = await watchAt(stage, "gateway-1");
    await using session = await watchAt(stage, "gateway-0");
    const begin = await stage.post("begin");
    for (const each of [steady, session]) await seen(each, begin);
    const former = session.socket;
    await stage.fleet.fleet.kill("gateway-0", "SIGSTOP");
    await postMany(stage, "during", 20);
    // Not cut off: it is the new connection that takes the session.
    expect(await session.resume()).toBe(true);
    await postMany(stage, "elsewhere", 20);
    await stage.fleet.fleet.kill("gateway-0", "SIGCONT");
    await former.untilClosed();
    await waitFor(async () => (await describeGateway(stage, "gateway-0")).connected === 0n, { timeoutMs: 20_000 });
    const end = await stage.post("end");
    for (const each of [steady, session]) await seen(each, end);
    expect(numberingProblems("left a hung gateway", session.dispatches)).toEqual([]);
    expect(told(session, stage, begin).filter(([t]) => t !== "RESUMED")).toEqual(told(steady, stage, begin));
    // Nor does the awakened one give it back to anybody.
    await session.drop();
    const missed = await stage.post("missed at last");
    expect(await session.resume()).toBe(true);
    await seen(session, missed);
    expect(numberingProblems("left a hung gateway", session.dispatches)).toEqual([]);
  }, 60_000);

  test("both gateways killed at once: sessions wait for the first that is back", async () => {
    await using stack = new AsyncDisposableStack();
    const sessions: Witness[] = [];
    for (const name of stage.fleet.namesOf("gateway")) sessions.push(stack.use(await watchAt(stage, name)));
    const begin = await stage.post("begin");
    for (const each of sessions) await seen(each, begin);
    await Promise.all(stage.fleet.namesOf("gateway").map((name) => stage.fleet.fleet.kill(name)));
    const missed = await stage.post("missed by all");
    expect(await Promise.all(sessions.map((session) => session.resume()))).toEqual([true, true]);
    for (const each of sessions) {
      await seen(each, missed);
      expect(numberingProblems("killed together", each.dispatches)).toEqual([]);
    }
    await stage.fleet.fleet.whenReady();
  }, 60_000);
});

describe("one gateway", () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage({ gateways: 1 });
  }, 120_000);

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  }, 60_000);

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    test(`ended by ${signal}: its successor goes on with its sessions`, async () => {
      const person = await register(stage.rest, "lonely");
      await using session = await watchAt(stage, "gateway-0");
      await using alone = await Witness.connect({ url: stage.fleet.gateway, token: person.token });
      const begin = await stage.post("begin");
      await seen(session, begin);
      const pid = stage.fleet.pidOf("gateway-0");
      await stage.fleet.fleet.kill("gateway-0", signal);
      const missed = await stage.post(`missed after ${signal}`);
      expect(await session.resume()).toBe(true);
      expect(await alone.resume()).toBe(true);
      await seen(session, missed);
      expect(stage.fleet.pidOf("gateway-0")).not.toBe(pid);
      expect(numberingProblems("resumed", [...session.dispatches])).toEqual([]);
      expect(numberingProblems("resumed", [...alone.dispatches])).toEqual([]);
    }, 60_000);
  }
});
