import { type CoordinatorReply, type CoordinatorRequest, CoordinatorServiceService } from "@guildhall/proto";
import { smallestIdAt, timestampMsOf, workerIdOf } from "@guildhall/snowflake";
import { makeManualTime, makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createCoordinatorClient, createRpcServer, createWorkerLease, serveExchange } from "./index.ts";

const ttlMs = 9_000;

let stack: AsyncDisposableStack;
let address: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  address = `unix:${stack.use(makeTempDir()).path}/coordinator.sock`;
});
afterEach(() => stack.disposeAsync());

/** A coordinator that grants `worker.id`; undefined = it fails every request. */
async function startCoordinator(worker: { id: number | undefined; nowMs?: number }) {
  const asked: CoordinatorRequest["body"][] = [];
  const exchange = serveExchange<CoordinatorRequest, CoordinatorReply>({
    limit: { inFlight: 10 },
    handle({ body }) {
      asked.push(body);
      if (worker.id === undefined) throw new Error("not now");
      const nowMs = BigInt(worker.nowMs ?? 1_760_000_000_000);
      return { $case: "leaseWorkerId", value: { workerId: worker.id, ttlMs, nowMs } };
    },
  });
  const implementation = { exchange, watchMap: () => {} };
  stack.use(await createRpcServer({ address, services: [[CoordinatorServiceService, implementation]] }));
  return asked;
}

const connect = () => stack.use(createCoordinatorClient(address, { name: "coordinator-0" }));

test("leases once the coordinator answers, makes ids with its bits, and renews at a third of the time", async () => {
  const { clock, timers, advance } = makeManualTime();
  const worker: { id: number | undefined } = { id: undefined };
  const asked = await startCoordinator(worker);
  const leasing = createWorkerLease(connect(), { process: "api-0", incarnation: "i1", clock, timers });
  await waitFor(() => asked.length === 1);
  worker.id = 7;
  await waitFor(() => {
    advance(100);
    return asked.length > 1;
  });
  const lease = stack.use(await leasing);
  expect(workerIdOf(lease.generator.next())).toBe(7);
  expect(lease.lost.aborted).toBe(false);
  const renewals = asked.length;
  advance(ttlMs / 3 - 1);
  expect(asked).toHaveLength(renewals);
  advance(1);
  await waitFor(() => asked.length === renewals + 1);
  const highestTimeMs = BigInt(lease.generator.highestTimeMs());
  expect(asked.at(-1)).toEqual({
    $case: "leaseWorkerId",
    value: { process: "api-0", incarnation: "i1", workerId: 7, highestTimeMs, nowMs: expect.any(BigInt) },
  });
});

test("without renewal the lease is lost, no id is made, and a new lease goes on above the old ids", async () => {
  const { clock, timers, advance } = makeManualTime();
  const worker: { id: number | undefined } = { id: 900 };
  const asked = await startCoordinator(worker);
  const lease = stack.use(await createWorkerLease(connect(), { process: "api-0", clock, timers }));
  const { lost } = lease;
  const id = lease.generator.next();
  worker.id = undefined;
  advance(ttlMs / 3);
  await waitFor(() => asked.length === 2);
  advance(ttlMs);
  expect(lost.aborted).toBe(true);
  expect(() => lease.generator.next()).toThrow(expect.objectContaining({ code: "UNAVAILABLE" }));
  worker.id = 3;
  await waitFor(() => {
    advance(10);
    return !lease.lost.aborted;
  });
  const next = lease.generator.next();
  expect(workerIdOf(next)).toBe(3);
  expect(next).toBeGreaterThan(id);
});

test("a renewal answered with other bits ends the old lease and goes on with them", async () => {
  const { clock, timers, advance } = makeManualTime();
  const worker = { id: 1 };
  const asked = await startCoordinator(worker);
  const lease = stack.use(await createWorkerLease(connect(), { process: "api-0", clock, timers }));
  const { lost } = lease;
  worker.id = 2;
  advance(ttlMs / 3);
  await waitFor(() => asked.length === 2 && lost.aborted);
  expect(lease.lost.aborted).toBe(false);
  expect(workerIdOf(lease.generator.next())).toBe(2);
});

test("the clock follows the coordinator's", async () => {
  const { clock, timers } = makeManualTime();
  const aheadMs = 60_000;
  await startCoordinator({ id: 1, nowMs: clock.nowMs() + aheadMs });
  const lease = stack.use(await createWorkerLease(connect(), { process: "api-0", clock, timers }));
  expect(lease.clock.nowMs() - clock.nowMs()).toBe(aheadMs);
  expect(lease.clock.nowUs()).toBe(BigInt(lease.clock.nowMs()) * 1_000n);
});

test("the clock begins at the coordinator's time also when the machine's is ahead", async () => {
  const { clock, timers } = makeManualTime();
  const behindMs = 3_600_000;
  await startCoordinator({ id: 1, nowMs: clock.nowMs() - behindMs });
  const lease = stack.use(await createWorkerLease(connect(), { process: "api-0", clock, timers }));
  expect(clock.nowMs() - lease.clock.nowMs()).toBe(behindMs);
});

test("an id far in the future is made once the coordinator knows of it", async () => {
  const { clock, timers } = makeManualTime();
  const asked = await startCoordinator({ id: 1 });
  const lease = stack.use(await createWorkerLease(connect(), { process: "guild-0", clock, timers }));
  const last = smallestIdAt(clock.nowMs() + 3_600_000);
  expect(() => lease.generator.next(last)).toThrow(expect.objectContaining({ code: "ID_CLOCK_AHEAD" }));
  const id = await waitFor(() => {
    try {
      return lease.generator.next(last);
    } catch {
      return undefined;
    }
  });
  expect(id).toBeGreaterThan(last);
  expect(asked.at(-1)).toMatchObject({ value: { workerId: 1, highestTimeMs: BigInt(timestampMsOf(last)) } });
});

test("a process that is stopped while it waits for the coordinator waits no longer", async () => {
  const stopping = new AbortController();
  const leasing = createWorkerLease(connect(), { process: "api-0", signal: stopping.signal });
  stopping.abort();
  await expect(leasing).rejects.toMatchObject({ code: "CANCELLED" });
});
