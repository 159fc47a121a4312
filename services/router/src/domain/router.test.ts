import type { TopicRequest } from "@guildhall/proto";
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

test("finds the topic by the channel and hands the body to the owner unchanged", async () => {
  const { hosts, router } = startRouter();
  hosts.start("a", () => done);
  router.learnOwner(entry("a", 1));
  expect(await router.route(post(7n))).toEqual(done);
  expect(hosts.taken).toEqual([{ address: "a", request: { ...post(7n), topic: guildId, timeoutMs: 30_000 } }]);
});

test("answers UNKNOWN_CHANNEL for a channel that the directory does not know", async () => {
  const { router } = startRouter();
  const read = { actor: undefined, body: { $case: "getChannel", value: { channelId: 3n } } } as const;
  expect(await codeOf(router.route({ ...getChannel(), body: { $case: "read", value: read } }))).toBe("UNKNOWN_CHANNEL");
});

test("holds requests until an owner is known and its stream is up, and sends them in order", async () => {
  const { time, hosts, router } = startRouter();
  const answers = [1n, 2n, 3n].map((id) => router.route(post(id)));
  await time.advanceAsync(5_000);
  router.learnOwner(entry("a", 1));
  await time.advanceAsync(5_000);
  expect(router.status()).toMatchObject({ inFlight: 3, waiting: 3, sent: 0, waitingBytes: 300 });
  hosts.start("a", () => done);
  expect(await Promise.all(answers)).toEqual([done, done, done]);
  const ids = hosts.taken.map(({ request }) => (request.body?.$case === "command" ? request.body.value.requestId : 0n));
  expect(ids).toEqual([1n, 2n, 3n]);
  expect(router.status()).toMatchObject({ inFlight: 0, waiting: 0, sent: 0, waitingBytes: 0 });
});

test("follows NotOwner to the host it names, and waits when it names none", async () => {
  const { time, hosts, router, retries } = startRouter();
  hosts.start("a", () => notOwner(entry("b", 2)));
  hosts.start("b", () => (hosts.taken.length < 4 ? notOwner({ ...entry("", 0), host: "" }) : done));
  router.learnOwner(entry("a", 1));
  const answer = router.route(post());
  await time.advanceAsync(1_000);
  expect(await answer).toEqual(done);
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a", "b", "b", "b"]);
  expect(retries).toEqual(["not-owner", "not-owner", "not-owner"]);
});

test("follows a NotOwner without an address to where that incarnation is known to serve", async () => {
  const { hosts, router } = startRouter();
  hosts.start("a", () => notOwner({ ...entry("b", 2), address: "" }));
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  router.learnOwner({ ...entry("b", 1), range: { i: (slot + 1) % 4, n: 4 } });
  expect(await router.route(post())).toEqual(done);
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a", "b"]);
});

test("a lower epoch never replaces a higher one", async () => {
  const { hosts, router } = startRouter();
  hosts.start("a", () => done);
  router.learnOwner(entry("a", 3));
  router.learnOwner(entry("b", 2));
  router.applyMap({ version: 9, entries: [entry("b", 2)] });
  await router.route(post());
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a"]);
});

test("a command whose stream broke is sent again with the same request id to the host's next incarnation", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1, "first"));
  const answer = router.route(post(42n));
  await time.advanceAsync(10);
  hosts.kill("a");
  await time.advanceAsync(3_000);
  hosts.start("a", () => notOwner({ ...entry("", 0), host: "" }));
  await time.advanceAsync(1_000);
  hosts.start("a", () => done);
  router.learnOwner(entry("a", 2, "second"));
  expect(await answer).toEqual(done);
  for (const { request } of hosts.taken) expect(request.body).toEqual(post(42n).body);
});

test("a command that was never written ends as UNAVAILABLE after its time", async () => {
  const { time, router } = startRouter();
  const answer = codeOf(router.route(post()));
  const short = codeOf(router.route(post(2n, 1_000)));
  await time.advanceAsync(1_000);
  expect(await short).toBe("UNAVAILABLE");
  expect(router.status().waiting).toBe(1);
  await time.advanceAsync(29_000);
  expect(await answer).toBe("UNAVAILABLE");
});

test("a command that may have been journaled ends as OUTCOME_UNKNOWN, a read as UNAVAILABLE", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const command = codeOf(router.route(post()));
  const read = codeOf(router.route(getChannel()));
  await time.advanceAsync(10);
  hosts.kill("a");
  await time.advanceAsync(30_000);
  expect([await command, await read]).toEqual(["OUTCOME_UNKNOWN", "UNAVAILABLE"]);
});

test("a 503 of a host is tried again a few times, then handed on", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => failure("JOURNAL_UNAVAILABLE"));
  router.learnOwner(entry("a", 1));
  const answer = codeOf(router.route(post()));
  await time.advanceAsync(5_000);
  expect(await answer).toBe("JOURNAL_UNAVAILABLE");
  expect(hosts.taken).toHaveLength(6);
});

test("a 503 after an attempt of unknown outcome is never handed on", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const answer = codeOf(router.route(post()));
  await time.advanceAsync(10);
  hosts.kill("a");
  hosts.start("a", () => failure("OVERLOADED"));
  await time.advanceAsync(30_000);
  expect(await answer).toBe("OUTCOME_UNKNOWN");
});

test("no refusal is handed on after an attempt of unknown outcome: that one may still come, and be done", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const answer = codeOf(router.route(post()));
  await time.advanceAsync(10);
  hosts.kill("a");
  hosts.start("a", () => failure("MISSING_PERMISSIONS"));
  await time.advanceAsync(5_000);
  expect(await answer).toBe("OUTCOME_UNKNOWN");
});

test("nor that there was nothing to change", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const answer = codeOf(router.route(post()));
  await time.advanceAsync(10);
  hosts.kill("a");
  hosts.start("a", () => ({ $case: "command", value: { position: undefined, status: 204, json: Buffer.alloc(0) } }));
  await time.advanceAsync(5_000);
  expect(await answer).toBe("OUTCOME_UNKNOWN");
});

test("what a host refuses for good is handed on at once", async () => {
  const { hosts, router } = startRouter();
  hosts.start("a", () => failure("MISSING_PERMISSIONS"));
  router.learnOwner(entry("a", 1));
  expect(await codeOf(router.route(post()))).toBe("MISSING_PERMISSIONS");
  hosts.start("a", () => failure("OVERLOADED"));
  expect(await codeOf(router.route(post()))).toBe("OVERLOADED");
  expect(hosts.taken).toHaveLength(2);
});

test("a read that nobody can answer is given up after 11 s, a command that nobody took after its own time", async () => {
  const { time, router } = startRouter();
  router.learnOwner(entry("a", 1));
  const read = codeOf(router.route(getChannel()));
  const command = codeOf(router.route(post(1n, 14_000)));
  await time.advanceAsync(10_900);
  expect(router.status().inFlight).toBe(2);
  await time.advanceAsync(100);
  expect(await read).toBe("UNAVAILABLE");
  expect(router.status().inFlight).toBe(1);
  await time.advanceAsync(3_000);
  expect(await command).toBe("UNAVAILABLE");
});

test("the waiting room is bounded by slot and in all; what does not fit is refused QUEUE_FULL", async () => {
  const waiting = { slot: room(2), host: room(100), all: room(3) };
  const { time, router } = startRouter({ inFlight: 100, waiting });
  const first = [1n, 2n, 3n].map((id) => codeOf(router.route(post(id))));
  expect(await first[2]).toBe("QUEUE_FULL");
  const other = { ...post(4n), topic: guildId + (1n << 22n) };
  const others = [codeOf(router.route(other)), codeOf(router.route(other))];
  expect(await others[1]).toBe("QUEUE_FULL");
  await time.advanceAsync(30_000);
  expect(await Promise.all(first)).toEqual(["UNAVAILABLE", "UNAVAILABLE", "QUEUE_FULL"]);
});

test("the bytes that wait are bounded", async () => {
  const waiting = { slot: { count: 10, bytes: 250 }, host: room(10), all: room(10) };
  const { router } = startRouter({ inFlight: 100, waiting });
  const answers = [1n, 2n, 3n].map((id) => codeOf(router.route(post(id))));
  expect(await answers[2]).toBe("QUEUE_FULL");
  expect(router.status()).toMatchObject({ waiting: 2, waitingBytes: 200 });
});

test("sheds with OVERLOADED above the limit of requests under way", async () => {
  const waiting = { slot: room(10), host: room(10), all: room(10) };
  const { router } = startRouter({ inFlight: 2, waiting });
  const answers = [1n, 2n, 3n].map((id) => codeOf(router.route(post(id))));
  expect(await answers[2]).toBe("OVERLOADED");
  router.drain();
  expect(await Promise.all(answers)).toEqual(["DRAINING", "DRAINING", "OVERLOADED"]);
});

test("while draining: refuses what comes and waits, and does not call unknown what is", async () => {
  const { time, hosts, router } = startRouter();
  hosts.start("a", () => undefined);
  router.learnOwner(entry("a", 1));
  const lost = codeOf(router.route(post(1n)));
  await time.advanceAsync(10);
  hosts.kill("a");
  await time.advanceAsync(100);
  const waiting = codeOf(router.route(post(2n)));
  await time.advanceAsync(100);
  router.drain();
  expect(await Promise.all([lost, waiting, codeOf(router.route(post(3n)))])).toEqual([
    "OUTCOME_UNKNOWN",
    "DRAINING",
    "DRAINING",
  ]);
});

test("heads are asked of every shard's owner and merged; topics that none serves are left out after a bounded wait", async () => {
  const { time, hosts, router } = startRouter();
  const topics = [0n, 1n, 2n, 3n].map((i) => i << 22n);
  const answerHeads =
    (source: string) =>
    (request: TopicRequest): Answer => {
      const asked = request.body?.$case === "heads" ? request.body.value.topics : [];
      const heads = asked.map((topic) => ({ topic, epoch: 1, seq: topic >> 22n, lastId: 0n, lastTs: 0n }));
      return { $case: "heads", value: { heads, sources: asked.map(() => source) } };
    };
  const refuses = (request: TopicRequest): boolean =>
    request.body?.$case === "heads" && request.body.value.topics.includes(3n << 22n);
  hosts.start("a", (request) =>
    refuses(request) ? notOwner({ ...entry("", 0), host: "" }) : answerHeads("a/1")(request),
  );
  hosts.start("b", answerHeads("b/1"));
  router.applyMap({
    version: 1,
    entries: [
      { ...entry("a", 1), range: { i: 0, n: 4 } },
      { ...entry("b", 1), range: { i: 1, n: 4 } },
      { ...entry("a", 1), range: { i: 3, n: 4 } },
    ],
  });
  const request: TopicRequest = { ...post(), body: { $case: "heads", value: { topics } } };
  const answer = router.route(request);
  await time.advanceAsync(2_000);
  const body = await answer;
  if (body.$case !== "heads") throw new Error(body.$case);
  expect(body.value.heads.map(({ topic }) => topic)).toEqual([topics[0], topics[1]]);
  expect(body.value.sources).toEqual(["a/1", "b/1"]);
});
