import { join } from "node:path";
import {
  CoordinatorServiceClient,
  type CoordinatorServiceWatchMapResponse,
  type DataReply,
  type DataRequest,
  DataServiceService,
  type EpochRecord,
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

const record = (i: number, epoch: number, host: string, incarnation: string): EpochRecord => ({
  range: { i, n: 2 },
  split: false,
  epoch,
  host,
  incarnation,
  moveId: "m",
});

const idle = { shards: [], outcomes: [], cpuShare: 0, memoryBytes: 0n, journalP99Ms: 0, version: "0.1.0" };

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
