import { errorTable, isErrorCode } from "@guildhall/errors";
import { expect, test } from "@jest/globals";
import { Stage } from "./stage.ts";

const promisedFailoverMs = 10_000;

test("a host that is killed and stays away is made up for within 10 s, and no session is closed for it", async () => {
  const stage = await new Stage().set();
  const sinceMs = stage.nowMs;
  stage.world.machines.crash("guild-0");
  await stage.pass(15_000);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(promisedFailoverMs);
  expect(await stage.end()).toEqual([]);
  expect(stage.world.evidence.sessions.flatMap(({ resumes }) => resumes)).toEqual([]);
  expect(stage.world.evidence.sessions.length).toBe(stage.listeners.length);
});

test("a host that is killed and comes back has its shards again before a lease could lapse", async () => {
  const stage = await new Stage().set();
  const sinceMs = stage.nowMs;
  stage.world.machines.crash("guild-0");
  await stage.pass(300);
  stage.world.machines.start("guild-0");
  await stage.pass(10_000);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(3_000);
  expect(await stage.end()).toEqual([]);
});

test("half of the gateways can go under load: every session goes on elsewhere, with nothing missed or doubled", async () => {
  const stage = await new Stage({ gateways: 4 }).set();
  await stage.pass(3_000);
  for (const name of ["gateway-0", "gateway-1"]) stage.world.machines.crash(name);
  await stage.pass(10_000);
  expect(stage.listeners.every(({ isListening }) => isListening)).toBe(true);
  expect(await stage.end()).toEqual([]);
  const { sessions } = stage.world.evidence;
  expect(sessions.length).toBe(stage.listeners.length);
  expect(sessions.flatMap(({ resumes }) => resumes).length).toBeGreaterThan(0);
});

test("gateways that drain one after the other hand all their sessions over", async () => {
  const stage = await new Stage({ gateways: 3 }).set();
  await stage.pass(2_000);
  for (const name of ["gateway-0", "gateway-1"]) {
    const process = stage.world.machines.at(name);
    process.enter(
      () =>
        void stage.world.gateways
          .get(name)
          ?.drain()
          .then(() => process.crash()),
    );
    await stage.until(() => !process.isAlive, 20_000);
  }
  await stage.until(() => stage.listeners.every(({ isListening }) => isListening));
  expect(await stage.end()).toEqual([]);
  expect(stage.world.evidence.sessions.length).toBe(stage.listeners.length);
});

test("without a coordinator traffic goes on as it is, and nothing changes hands", async () => {
  const stage = await new Stage().set();
  const { world } = stage;
  const epochs = world.disk.journal.epochs.length;
  const sinceMs = stage.nowMs;
  world.machines.crash("coordinator-0");
  await stage.pass(30_000);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(500);
  expect(stage.longestPauseMs(stage.reads, sinceMs)).toBeLessThan(500);
  expect(world.disk.journal.epochs.length).toBe(epochs);
  world.machines.start("coordinator-0");
  await stage.pass(7_000);
  expect(world.disk.journal.epochs.length).toBe(epochs);
  expect(await stage.end()).toEqual([]);
});

test("without the store messages flow and are acked, and are written when it is back", async () => {
  const stage = await new Stage().set();
  const { weather } = stage.world;
  const sinceMs = stage.nowMs;
  weather.storeFails = true;
  await stage.pass(20_000);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(500);
  weather.clear();
  await stage.pass(5_000);
  expect(await stage.end()).toEqual([]);
});

test("without the journal senders are told so and reading goes on", async () => {
  const stage = await new Stage().set();
  const { weather } = stage.world;
  await stage.pass(500);
  weather.failChance = 1;
  await stage.pass(4_000);
  const sinceMs = stage.nowMs;
  await stage.pass(10_000);
  const codes = stage.acks.filter(({ atMs }) => atMs > sinceMs).map(({ code }) => code);
  expect(codes.length).toBeGreaterThan(100);
  expect(
    codes.filter((code) => code === undefined || !isErrorCode(code) || errorTable[code].httpStatus !== 503),
  ).toEqual([]);
  expect(stage.longestPauseMs(stage.reads, sinceMs)).toBeLessThan(500);
  weather.clear();
  await stage.pass(3_000);
  expect(stage.longestPauseMs(stage.acks, stage.nowMs - 1_000)).toBeLessThan(500);
  expect(await stage.end()).toEqual([]);
});

test("what the bus loses at its end is noticed and fetched, though nothing follows, and though it stays away", async () => {
  const stage = await new Stage().set();
  await stage.pass(1_000);
  stage.world.weather.busLoss = 1;
  await stage.pass(500);
  expect(await stage.end()).toEqual([]);
  expect(stage.world.evidence.counts.get("refills_total filled")).toBeGreaterThan(0);
});

test("doubling under load closes no session and holds nobody up", async () => {
  const stage = await new Stage().set();
  const { operator, evidence, disk } = stage.world;
  const sinceMs = stage.nowMs;
  if (operator !== undefined) operator.spec = { ...operator.spec, shards: 8 };
  await stage.until(() => operator?.description?.shards.length === 8, 30_000);
  await stage.pass(10_000);
  expect(disk.journal.epochs.filter(({ split }) => split).length).toBe(4);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(300);
  expect(evidence.pauses.every(({ pauseMs }) => pauseMs < 50)).toBe(true);
  expect(await stage.end()).toEqual([]);
  expect(evidence.sessions.flatMap(({ resumes }) => resumes)).toEqual([]);
});

test("a drained host owns nothing in the end, and nobody notices", async () => {
  const stage = await new Stage().set();
  const { operator, hosts, evidence } = stage.world;
  const sinceMs = stage.nowMs;
  void operator?.drive({ $case: "drainHost", value: { host: "guild-0", dryRun: false, cancel: false } });
  await stage.until(() => hosts.get("guild-0")?.shards.length === 0, 30_000);
  await stage.pass(3_000);
  expect(stage.longestPauseMs(stage.acks, sinceMs)).toBeLessThan(300);
  expect(await stage.end()).toEqual([]);
  expect(evidence.pauses.length).toBeGreaterThan(0);
});
