import { CreateMessage, type DirectoryEntry, DirectoryKind, type Failure, type TopicRequest } from "@guildhall/proto";
import { type MapEntry, slotOf } from "@guildhall/slots";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import type { Answer } from "./ports.ts";
import { makeRouter, type RouterLimits } from "./router.ts";
import { makeSimulatedHosts } from "./simulated-hosts.ts";

const channelId = 900n << 22n;
const guildId = 5n << 22n;
const slot = slotOf(guildId);
const position = { topic: 1n, epoch: 1, seq: 1n };
const done: Answer = { $case: "command", value: { position, status: 200, json: Buffer.from("{}") } };

const entry = (address: string, epoch: number, incarnation = address): MapEntry => ({
  range: { i: slot % 4, n: 4 },
  host: address,
  address,
  epoch,
  incarnation,
});
const notOwner = (of: MapEntry): Answer => ({ $case: "notOwner", value: { slot, ...of } });
const failure = (code: string): Answer => ({
  $case: "failure",
  value: { code, message: "", fields: [], retryAfterMs: 0 } satisfies Failure,
});
const post = (requestId = 1n, timeoutMs = 0): TopicRequest => {
  const createMessage = CreateMessage.fromPartial({ channelId, content: "hello" });
  const command = {
    requestId,
    actor: undefined,
    reason: "",
    body: { $case: "createMessage", value: createMessage },
  } as const;
  return { id: 0n, traceparent: "", topic: 0n, timeoutMs, body: { $case: "command", value: command } };
};
const getChannel = (): TopicRequest => {
  const read = { actor: undefined, body: { $case: "getChannel", value: { channelId } } } as const;
  return { id: 0n, traceparent: "", topic: 0n, timeoutMs: 0, body: { $case: "read", value: read } };
};
const room = (count: number) => ({ count, bytes: 10_000 });
const codeOf = async (answer: Promise<Answer>): Promise<string> => {
  try {
    const body = await answer;
    return body.$case === "failure" ? body.value.code : body.$case;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
};

function start(limits?: RouterLimits) {
  const time = makeManualTime();
  const hosts = makeSimulatedHosts();
  const retries: string[] = [];
  const channels = new Map([[String(channelId), guildId]]);
  const router = makeRouter(
    {
      clock: time.clock,
      timers: time.timers,
      random: () => 0.5,
      connect: hosts.connect,
      sizeOf: () => 100,
      onRetry: (reason) => retries.push(reason),
      data: {
        findDirectory: async (keys) =>
          keys.flatMap((key): DirectoryEntry[] => {
            const topic = key.kind === DirectoryKind.DIRECTORY_KIND_CHANNEL ? channels.get(key.key) : undefined;
            return topic === undefined ? [] : [{ key, topic, cell: 0 }];
          }),
        page: async () => ({ json: Buffer.from("[]"), count: 0 }),
      },
    },
    limits,
  );
  return { time, hosts, router, retries };
}

test("finds the topic by the channel and hands the body to the owner unchanged", async () => {
  const { hosts, router } = start();
  hosts.start("a", () => done);
  router.learnOwner(entry("a", 1));
  expect(await router.route(post(7n))).toEqual(done);
  expect(hosts.taken).toEqual([{ address: "a", request: { ...post(7n), topic: guildId, timeoutMs: 30_000 } }]);
});

test("answers UNKNOWN_CHANNEL for a channel that the directory does not know", async () => {
  const { router } = start();
  const read = { actor: undefined, body: { $case: "getChannel", value: { channelId: 3n } } } as const;
  expect(await codeOf(router.route({ ...getChannel(), body: { $case: "read", value: read } }))).toBe("UNKNOWN_CHANNEL");
});

test("holds requests until an owner is known and its stream is up, and sends them in order", async () => {
  const { time, hosts, router } = start();
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
  const { time, hosts, router, retries } = start();
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
  const { hosts, router } = start();
  hosts.start("a", () => notOwner({ ...entry("b", 2), address: "" }));
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  router.learnOwner({ ...entry("b", 1), range: { i: (slot + 1) % 4, n: 4 } });
  expect(await router.route(post())).toEqual(done);
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a", "b"]);
});

test("a lower epoch never replaces a higher one", async () => {
  const { hosts, router } = start();
  hosts.start("a", () => done);
  router.learnOwner(entry("a", 3));
  router.learnOwner(entry("b", 2));
  router.applyMap({ version: 9, entries: [entry("b", 2)] });
  await router.route(post());
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a"]);
});

test("a command whose stream broke is sent again with the same request id to the host's next incarnation", async () => {
  const { time, hosts, router } = start();
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
  const { time, router } = start();
  const answer = codeOf(router.route(post()));
  const short = codeOf(router.route(post(2n, 1_000)));
  await time.advanceAsync(1_000);
  expect(await short).toBe("UNAVAILABLE");
  expect(router.status().waiting).toBe(1);
  await time.advanceAsync(29_000);
  expect(await answer).toBe("UNAVAILABLE");
});

test("a command that may have been journaled ends as OUTCOME_UNKNOWN, a read as UNAVAILABLE", async () => {
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
  hosts.start("a", () => failure("JOURNAL_UNAVAILABLE"));
  router.learnOwner(entry("a", 1));
  const answer = codeOf(router.route(post()));
  await time.advanceAsync(5_000);
  expect(await answer).toBe("JOURNAL_UNAVAILABLE");
  expect(hosts.taken).toHaveLength(6);
});

test("a 503 after an attempt of unknown outcome is never handed on", async () => {
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
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
  const { hosts, router } = start();
  hosts.start("a", () => failure("MISSING_PERMISSIONS"));
  router.learnOwner(entry("a", 1));
  expect(await codeOf(router.route(post()))).toBe("MISSING_PERMISSIONS");
  hosts.start("a", () => failure("OVERLOADED"));
  expect(await codeOf(router.route(post()))).toBe("OVERLOADED");
  expect(hosts.taken).toHaveLength(2);
});

test("a hung host does not hold a request once another owner is known", async () => {
  const { time, hosts, router } = start();
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
  const { hosts, router } = start();
  hosts.start("a", () => notOwner(entry("b", 2)));
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  expect(await router.route(post(3n))).toEqual(done);
  expect(hosts.taken.map(({ address }) => address)).toEqual(["a", "b"]);
  for (const { request } of hosts.taken) expect(request.body).toEqual(post(3n).body);
});

test("has a stream to the host that a shard is about to move to", async () => {
  const { router } = start();
  router.applyMap({ version: 1, entries: [entry("a", 1)] });
  expect(router.status().hosts).toBe(1);
  const moving = { moveId: "m", toHost: "b", toAddress: "b" };
  const delta = { fromVersion: 1, version: 2, entries: [{ ...entry("a", 1), moving }], removed: [] };
  expect(router.map.applyDelta(delta)).toBe("applied");
  expect(router.status()).toMatchObject({ hosts: 2, mapVersion: 2 });
});

test("requests that wait over a split and a move of one half go to where each half is", async () => {
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
  hosts.start("a", () => undefined);
  hosts.start("b", () => done);
  router.learnOwner(entry("a", 1));
  const read = router.route(getChannel());
  await time.advanceAsync(10);
  router.learnOwner(entry("b", 2));
  expect(await read).toEqual(done);
});

test("a command that a hung host has ends as its successor answers it, or OUTCOME_UNKNOWN, and never as a 503", async () => {
  const { time, hosts, router } = start();
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
  const { time, hosts, router } = start();
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

test("a read that nobody can answer is given up after 11 s, a command that nobody took after its own time", async () => {
  const { time, router } = start();
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

test("what waits for one host leaves room for what waits for others", async () => {
  const waiting = { slot: room(10), host: room(2), all: room(3) };
  const { router } = start({ inFlight: 100, waiting });
  router.learnOwner({ ...entry("a", 1), range: { i: 0, n: 2 } });
  router.learnOwner({ ...entry("b", 1), range: { i: 1, n: 2 } });
  const ask = (of: number) => codeOf(router.route({ ...getChannel(), topic: (1n << 40n) | (BigInt(of) << 22n) }));
  const answers = [ask(0), ask(2), ask(4), ask(1), ask(3)];
  expect(await Promise.all([answers[2], answers[4]])).toEqual(["QUEUE_FULL", "QUEUE_FULL"]);
  expect(router.status().waiting).toBe(3);
});

test("the waiting room is bounded by slot and in all; what does not fit is refused QUEUE_FULL", async () => {
  const waiting = { slot: room(2), host: room(100), all: room(3) };
  const { time, router } = start({ inFlight: 100, waiting });
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
  const { router } = start({ inFlight: 100, waiting });
  const answers = [1n, 2n, 3n].map((id) => codeOf(router.route(post(id))));
  expect(await answers[2]).toBe("QUEUE_FULL");
  expect(router.status()).toMatchObject({ waiting: 2, waitingBytes: 200 });
});

test("sheds with OVERLOADED above the limit of requests under way", async () => {
  const waiting = { slot: room(10), host: room(10), all: room(10) };
  const { router } = start({ inFlight: 2, waiting });
  const answers = [1n, 2n, 3n].map((id) => codeOf(router.route(post(id))));
  expect(await answers[2]).toBe("OVERLOADED");
  router.drain();
  expect(await Promise.all(answers)).toEqual(["DRAINING", "DRAINING", "OVERLOADED"]);
});

test("while draining: refuses what comes and waits, and does not call unknown what is", async () => {
  const { time, hosts, router } = start();
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

test("heads of a shard that was split and moved are asked of whom the former owner names, and no hung host holds them up", async () => {
  const { time, hosts, router } = start();
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

test("heads are asked of every shard's owner and merged; topics that none serves are left out after a bounded wait", async () => {
  const { time, hosts, router } = start();
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
