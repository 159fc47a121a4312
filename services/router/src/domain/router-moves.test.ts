import type { TopicRequest } from "@guildhall/proto";
import { slotOf } from "@guildhall/slots";
import { expect, test } from "@jest/globals";
import {
  codeOf,
  done,
  entry,
  failure,
  getChannel,
  guildId,
  notOwner,
  post,
  room,
  slot,
  startRouter,
} from "../../tests/simulated-router.ts";
import type { Answer } from "./ports.ts";

test("a hung host does not hold a request once another owner is known", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  const answer = router.route(post());
  await time.advanceAsync(100);
  router.applyMap({ version: 1, entries: [entry("b", 2)] });
  await time.advanceAsync(2_000);
  expect(await answer).toEqual(done);
});

test("sends again at once to the host that NotOwner names, without a pause", async () => {
  const { hosts, router } = startRouter();
  hosts.start("a", () => notOwner(entry("b", 2)));
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  expect(await router.route(post(3n))).toEqual(done);
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a", "b"]);
  for (const { request } of hosts.taken) expect(request.body).toEqual(post(3n).body);
});

test("has a stream to the host that a shard is about to move to", async () => {
  const { router } = startRouter();
  router.applyMap({ version: 1, entries: [entry("a", 1)] });
  expect(router.status().hosts).toBe(1);
  const moving = { moveId: "m", toHost: "b", toAddress: "b" };
  const delta = { fromVersion: 1, version: 2, entries: [{ ...entry("a", 1), moving }], removed: [] };
  expect(router.map.applyDelta(delta)).toBe("applied");
  expect(router.status()).toMatchObject({ hosts: 2, mapVersion: 2 });
});

test("requests that wait over a split and a move of one half go to where each half is", async () => {
  const { time, hosts, router } = startRouter();
  const all = { i: 0, n: 1 };
  const other = { ...getChannel(), topic: guildId ^ (1n << 22n) };
  const at = (host: string, epoch: number, i: number, n: number) => ({ ...entry(host, epoch), range: { i, n } });
  router.applyMap({ version: 1, entries: [{ ...entry("a", 1), range: all }] });
  const answers = [router.route({ ...post(), topic: guildId }), router.route(other)];
  await time.advanceAsync(100);
  expect(router.status().waiting).toBe(2);
  const own = slot % 2;
  router.map.applyDelta({
    fromVersion: 1,
    version: 2,
    entries: [at("a", 2, 0, 2), at("a", 2, 1, 2)],
    removed: [all],
  });
  await time.advanceAsync(100);
  expect(router.status().waiting).toBe(2);
  router.learnOwner(at("b", 3, own, 2));
  hosts.start("b", () => done);
  await time.advanceAsync(100);
  expect(router.status().waiting).toBe(1);
  hosts.start("a", () => done);
  expect(await Promise.all(answers)).toEqual([done, done]);
  expect(hosts.taken.map(({ address, request }) => [address, slotOf(request.topic) % 2])).toEqual([
    ["b", own],
    ["a", 1 - own],
  ]);
  expect(router.status()).toMatchObject({ waiting: 0, waitingBytes: 0, shards: 2 });
});

test("a split and a shard taken back leave requests with the process that has them", async () => {
  const { time, hosts, router } = startRouter();
  const answers: ((answer: Answer) => void)[] = [];
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const command = router.route(post());
  const read = router.route(getChannel());
  await time.advanceAsync(10);
  router.learnOwner(entry("a", 2));
  await time.advanceAsync(5_000);
  expect([hosts.taken.length, router.status().sent, answers.length]).toEqual([2, 2, 0]);
  hosts.kill("a");
  hosts.start("a", () => done);
  expect(await Promise.all([command, read])).toEqual([done, done]);
});

test("what changes nothing is asked of the new owner as soon as it is known", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  const read = router.route(getChannel());
  await time.advanceAsync(10);
  router.learnOwner(entry("b", 2));
  expect(await read).toEqual(done);
});

test("a command that a hung host has ends as its successor answers it, or OUTCOME_UNKNOWN, and never as a 503", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const command = codeOf(router.route(post()));
  await time.advanceAsync(10);
  hosts.start("b", () => failure("JOURNAL_UNAVAILABLE"));
  router.learnOwner(entry("b", 2));
  await time.advanceAsync(10_000);
  expect(router.status().inFlight).toBe(1);
  await time.advanceAsync(20_000);
  expect(await command).toBe("OUTCOME_UNKNOWN");
});

test("waits for another owner while the one that is known stops or has lost the slot", async () => {
  const { time, hosts, router } = startRouter();
  let turn = 0;
  hosts.start("a", () => failure(["DRAINING", "NOT_OWNER", "FENCED"][turn++ % 3] as string));
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  const answer = router.route(post());
  await time.advanceAsync(8_000);
  expect(turn).toBeGreaterThan(6);
  router.learnOwner(entry("b", 2));
  expect(await answer).toEqual(done);
});

test("what waits for one host leaves room for what waits for others", async () => {
  const waiting = { slot: room(10), host: room(2), all: room(3) };
  const { router } = startRouter({ inFlight: 100, waiting });
  router.learnOwner({ ...entry("a", 1), range: { i: 0, n: 2 } });
  router.learnOwner({ ...entry("b", 1), range: { i: 1, n: 2 } });
  const ask = (of: number) => codeOf(router.route({ ...getChannel(), topic: (1n << 40n) | (BigInt(of) << 22n) }));
  const answers = [ask(0), ask(2), ask(4), ask(1), ask(3)];
  expect(await Promise.all([answers[2], answers[4]])).toEqual(["QUEUE_FULL", "QUEUE_FULL"]);
  expect(router.status().waiting).toBe(3);
});

test("heads of a shard that was split and moved are asked of whom the former owner names, and no hung host holds them up", async () => {
  const { time, hosts, router } = startRouter();
  const topics = [0n, 1n, 2n].map((i) => i << 22n);
  const answerHeads = (request: TopicRequest): Answer => {
    const asked = request.body?.$case === "heads" ? request.body.value.topics : [];
    const heads = asked.map((topic) => ({ topic, epoch: 1, seq: 1n, lastId: 0n, lastTs: 0n }));
    return { $case: "heads", value: { heads, sources: asked.map(() => "x") } };
  };
  const odd = { ...entry("b", 3), range: { i: 1, n: 2 } };
  hosts.start("a", (request) => {
    const asked = request.body?.$case === "heads" ? request.body.value.topics : [];
    return asked.includes(1n << 22n) ? notOwner({ ...odd }) : answerHeads(request);
  });
  hosts.start("b", answerHeads);
  router.applyMap({ version: 1, entries: [{ ...entry("a", 1), range: { i: 0, n: 1 } }] });
  const ask = (): Promise<Answer> => router.route({ ...post(), body: { $case: "heads", value: { topics } } });
  const found = async (answer: Promise<Answer>) => {
    const body = await answer;
    if (body.$case !== "heads") throw new Error(body.$case);
    return body.value.heads.map(({ topic }) => topic >> 22n).sort();
  };
  expect(await found(ask())).toEqual([0n, 1n, 2n]);
  hosts.start("b", () => undefined);
  const asked = ask();
  await time.advanceAsync(3_500);
  hosts.kill("b");
  expect(await found(asked)).toEqual([0n, 2n]);
});
