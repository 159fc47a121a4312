import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CoordinatorServiceClient,
  type CoordinatorServiceWatchMapResponse,
  type DataReply,
  type DataRequest,
  DataServiceService,
  type EpochRecord,
  type FleetSpec,
  OrderKind,
} from "@guildhall/proto";
import {
  createCoordinatorClient,
  createRpcServer,
  createWorkerLease,
  makeGrpcClient,
  makeStreamMetadata,
  serveExchange,
} from "@guildhall/rpc";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { createCoordinatorService, readConfig } from "../src/index.ts";
import { openSqliteCoordinatorStore } from "../src/store/coordinator-store-sqlite.ts";

const record = (i: number, epoch: number, host: string, incarnation: string): EpochRecord => ({
  range: { i, n: 2 },
  split: false,
  epoch,
  host,
  incarnation,
  moveId: "m",
});

const idle = { shards: [], outcomes: [], cpuShare: 0, memoryBytes: 0n, journalP99Ms: 0, version: "0.1.0", nowMs: 0n };

/** A data process that only knows EPOCHs. */
function serveEpochs(address: string, records: EpochRecord[]) {
  const exchange = serveExchange<DataRequest, DataReply>({
    limit: { inFlight: 10 },
    handle: ({ body }) =>
      body?.$case === "countTopics"
        ? { $case: "countTopics", value: { counts: Array.from({ length: body.value.n }, () => 5n) } }
        : { $case: "readEpochs", value: { records } },
  });
  return createRpcServer({ address, services: [[DataServiceService, { exchange }]] });
}

const deposed: string[] = [];

async function startCoordinator(dir: string, name = "coordinator") {
  return createCoordinatorService(
    readConfig({
      GUILDHALL_NAME: "coordinator-0",
      GUILDHALL_LISTEN: `unix:${join(dir, `${name}.sock`)}`,
      GUILDHALL_DATA: `unix:${join(dir, "data.sock")}`,
      GUILDHALL_STATE_DIR: join(dir, "state"),
      GUILDHALL_SHARDS: "2",
      GUILDHALL_HOSTS: "guild-0,guild-1",
      GUILDHALL_LOG_LEVEL: "silent",
    }),
    { onDeposed: ({ message }) => deposed.push(message) },
  );
}

function watchMap(address: string) {
  const client = makeGrpcClient(CoordinatorServiceClient, address);
  const maps: CoordinatorServiceWatchMapResponse[] = [];
  const stream = client.watchMap({ watcher: "router-0" }, makeStreamMetadata("router-0"));
  stream.on("data", (map: CoordinatorServiceWatchMapResponse) => maps.push(map));
  stream.on("error", () => {});
  const close = (): void => {
    stream.cancel();
    client.close();
  };
  return { maps, [Symbol.dispose]: close };
}

test("leases worker ids to processes before data is there, and is ready once it has read the epochs", async () => {
  using dir = makeTempDir();
  await using coordinator = await startCoordinator(dir.path);
  await using client = createCoordinatorClient(coordinator.address);
  await using first = await createWorkerLease(client, { process: "api-0" });
  await using second = await createWorkerLease(client, { process: "api-0" });
  const ids = [first.generator.next(), second.generator.next()].map((id) => (id >> 12n) & 0x3ffn);
  expect(ids).toEqual([0n, 1n]);
  const readyz = (coordinator.metricsUrl ?? "").replace("/metrics", "/readyz");
  expect((await fetch(readyz)).status).toBe(503);
  await using _data = await serveEpochs(`unix:${join(dir.path, "data.sock")}`, []);
  await waitFor(async () => (await fetch(readyz)).status === 200);
});

test("orders hosts to take their shards, publishes what they report, and goes on from there after a restart", async () => {
  using dir = makeTempDir();
  await using _data = await serveEpochs(`unix:${join(dir.path, "data.sock")}`, [record(0, 7, "guild-0", "a")]);
  const renew = (host: string, incarnation: string, owned: EpochRecord[] = []) => ({
    host,
    address: `${host}:7000`,
    incarnation,
    owned,
    ...idle,
  });
  {
    await using coordinator = await startCoordinator(dir.path);
    await using client = createCoordinatorClient(coordinator.address);
    using watch = watchMap(coordinator.address);
    const [order] = await waitFor(async () => {
      const { orders } = await client.call("renewHost", renew("guild-0", "b"));
      return orders.length > 0 ? orders : undefined;
    });
    expect(order).toMatchObject({ range: { i: 0, n: 2 }, fromIncarnation: "a" });
    const renewed = await client.call("renewHost", renew("guild-0", "b", [record(0, 8, "guild-0", "b")]));
    expect(renewed).toMatchObject({ ttlMs: 5_000, orders: [] });
    await expect(client.call("renewHost", renew("guild-0", "a"))).rejects.toMatchObject({ code: "FENCED" });
    await waitFor(() => watch.maps.length === 1);
    expect(watch.maps[0]).toEqual({
      version: 1n,
      fromVersion: 0n,
      removed: [],
      entries: [
        {
          range: { i: 0, n: 2 },
          host: "guild-0",
          address: "guild-0:7000",
          epoch: 8,
          incarnation: "b",
          moving: undefined,
        },
      ],
    });
  }
  await using coordinator = await startCoordinator(dir.path);
  using watch = watchMap(coordinator.address);
  await waitFor(() => watch.maps.length === 1);
  expect(watch.maps[0]?.version).toBe(1n);
  await using client = createCoordinatorClient(coordinator.address);
  await client.call("renewHost", renew("guild-1", "z", [record(1, 1, "guild-1", "z")]));
  await waitFor(() => watch.maps.length === 2);
  expect(watch.maps[1]).toMatchObject({ version: 2n, fromVersion: 1n });
  expect(watch.maps[1]?.entries).toMatchObject([{ range: { i: 1, n: 2 }, host: "guild-1" }]);
});

test("answers operators: spec, fleet, plan, moves, drains; and refuses with the reason", async () => {
  using dir = makeTempDir();
  await using _data = await serveEpochs(`unix:${join(dir.path, "data.sock")}`, []);
  await using coordinator = await startCoordinator(dir.path);
  await using client = createCoordinatorClient(coordinator.address);
  const rows = [record(0, 1, "guild-0", "a"), record(1, 1, "guild-1", "b")];
  const renewAll = () =>
    Promise.all(
      rows.map((row) => {
        const { host, incarnation } = row;
        const shards = [{ range: row.range, row, load: undefined }];
        return client.call("renewHost", { ...idle, host, incarnation, address: `${host}:7000`, owned: [], shards });
      }),
    );
  await renewAll();
  await waitFor(async () => {
    const { shards } = await client.call("describeFleet", {});
    return shards.length === 2 && shards.every(({ state }) => state === "Serving");
  });
  const { spec, hosts, imbalance } = await client.call("describeFleet", {});
  expect(spec).toMatchObject({
    shards: 2,
    hosts: ["guild-0", "guild-1"],
    rebalancingMode: "Off",
    approvalRequired: true,
  });
  expect(hosts.map(({ name, state, shards, load }) => [name, state, shards, load])).toEqual([
    ["guild-0", "Ready", 1, 0.5],
    ["guild-1", "Ready", 1, 0.5],
  ]);
  expect(imbalance).toBe(1);
  const plan = await client.call("planReshard", { to: 4 });
  expect(plan).toMatchObject({ from: 2, to: 4, moves: [] });
  expect(plan.splits.map(({ lowTopics, highTopics }) => [lowTopics, highTopics])).toEqual([
    [5n, 5n],
    [5n, 5n],
  ]);
  const applied = await client.call("applySpec", { spec: { ...spec, shards: 4 } as FleetSpec });
  expect(applied.removableHosts).toEqual([]);
  const drive = (verb: string, hash = "") => client.call("driveReshard", { verb, hash, to: 4, dryRun: false });
  await waitFor(async () => (await client.call("describeFleet", {})).reshard?.phase === "Planned");
  await expect(drive("apply")).rejects.toMatchObject({ code: "REFUSED", message: "a reshard is Planned" });
  await expect(drive("jump")).rejects.toMatchObject({ code: "INVALID_FORM" });
  expect(await drive("cancel")).toMatchObject({ phase: "Cancelled", serving: 2 });
  const bad = client.call("applySpec", { spec: { ...spec, shards: 16 } as FleetSpec });
  await expect(bad).rejects.toMatchObject({ code: "BAD_SPEC", fields: [{ path: ["shards"] }] });

  await renewAll();
  const waiting = client.call("awaitOrders", { host: "guild-0", incarnation: "a", seen: 0n, waitMs: 10_000 });
  const { moveId } = await client.call("moveShard", { range: { i: 0, n: 2 }, toHost: "guild-1", dryRun: false });
  const { orders } = await waiting;
  expect(orders).toEqual([
    {
      range: { i: 0, n: 2 },
      moveId,
      fromIncarnation: "a",
      kind: OrderKind.ORDER_KIND_MOVE,
      toHost: "guild-1",
      toAddress: "guild-1:7000",
      toIncarnation: "b",
    },
  ]);
  expect(await client.call("drainHost", { host: "guild-1", dryRun: true, cancel: false })).toEqual({ shardsLeft: 2 });
  const missing = client.call("moveShard", { range: { i: 7, n: 8 }, toHost: "guild-1", dryRun: true });
  await expect(missing).rejects.toMatchObject({ code: "REFUSED", message: "there is no shard 7/8" });
  const metrics = await (await fetch(coordinator.metricsUrl ?? "")).text();
  expect(metrics).toContain('guildhall_coordinator_orders{kind="move"} 1');
});

test("copies its state, as it is at one moment, where nothing is overwritten", async () => {
  using dir = makeTempDir();
  await using coordinator = await startCoordinator(dir.path);
  await using client = createCoordinatorClient(coordinator.address);
  await client.call("leaseWorkerId", { process: "api-0", incarnation: "a", highestTimeMs: 7n, nowMs: 0n });
  const folder = join(dir.path, "backup");
  const { files } = await client.call("backup", { folder, names: [] });
  const bytes = readFileSync(join(folder, "coordinator.db"));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(files).toEqual([{ name: "coordinator.db", bytes: BigInt(bytes.length), sha256 }]);
  await using copy = await openSqliteCoordinatorStore(folder);
  const { rows } = await copy.claim();
  expect(rows.filter(({ kind }) => kind === "worker")).toMatchObject([{ row: { incarnation: "a", highestTimeMs: 7 } }]);
  for (const wrong of [folder, "not/absolute"]) {
    await expect(client.call("backup", { folder: wrong, names: [] })).rejects.toMatchObject({ code: "REFUSED" });
  }
});

test("is deposed by another on the same folder, and says so", async () => {
  using dir = makeTempDir();
  await using _data = await serveEpochs(`unix:${join(dir.path, "data.sock")}`, []);
  await using _first = await startCoordinator(dir.path);
  const before = deposed.length;
  await using second = await startCoordinator(dir.path, "second");
  await waitFor(() => deposed.length === before + 1);
  expect(deposed.at(-1)).toMatch(/^coordinator \d+ has taken over/);
  await using client = createCoordinatorClient(second.address);
  expect(
    await client.call("leaseWorkerId", { process: "p", incarnation: "i", highestTimeMs: 0n, nowMs: 0n }),
  ).toMatchObject({
    ttlMs: 600_000,
  });
});

test("refuses a renewal that names nobody, with a clear error", async () => {
  using dir = makeTempDir();
  await using coordinator = await startCoordinator(dir.path);
  await using client = createCoordinatorClient(coordinator.address);
  const nobody = { host: "", address: "", incarnation: "", owned: [], ...idle };
  await expect(client.call("renewHost", nobody)).rejects.toMatchObject({ code: "INVALID_FORM" });
});

test("refuses a number of shards that is not a power of two, and a host named twice", () => {
  const env = {
    GUILDHALL_NAME: "coordinator-0",
    GUILDHALL_LISTEN: "unix:/run/c.sock",
    GUILDHALL_DATA: "unix:/run/d.sock",
    GUILDHALL_STATE_DIR: "/run",
    GUILDHALL_HOSTS: "guild-0",
  };
  expect(() => readConfig({ ...env, GUILDHALL_SHARDS: "6" })).toThrow("power of two");
  expect(() => readConfig({ ...env, GUILDHALL_SHARDS: "4", GUILDHALL_HOSTS: "a,a" })).toThrow("twice");
});
