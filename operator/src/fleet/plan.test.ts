import { expect, test } from "@jest/globals";
import { validateShardSet } from "../api/v1alpha1/validate.ts";
import { environmentOf, type Fleet, type Instance, type Places, plan } from "./index.ts";

function planOf(spec: Record<string, unknown>): Fleet {
  return plan(
    validateShardSet({ apiVersion: "guildhall.dev/v1alpha1", kind: "ShardSet", metadata: { name: "main" }, spec }),
  );
}

function find(fleet: Fleet, name: string): Instance {
  const found = fleet.workloads.flatMap(({ instances }) => instances).find((instance) => instance.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const places: Places = {
  address: (instance) => `unix:/run/${instance}.sock`,
  listen: (instance) => `listen:${instance}`,
  folder: (instance) => `/state/${instance}`,
  shared: (folder) => `/state/${folder}`,
  bind: (_instance, port) => ({ host: "127.0.0.1", port: { metrics: 0, http: 80, ws: 81, own: 82 }[port] }),
  url: (instance, port) => `url:${instance}:${port}`,
};

test.each<{ spec: Record<string, unknown>; names: string }>([
  {
    spec: { shards: 4 },
    names: "data-0 coordinator-0 router-0 user-0 guild-0 guild-1 gateway-0 gateway-1 api-0",
  },
  {
    spec: { shards: 1, guild: { hosts: 1 }, gateway: { replicas: 1 } },
    names: "data-0 coordinator-0 router-0 user-0 guild-0 gateway-0 api-0",
  },
  {
    spec: { shards: 8, guild: { hosts: 3 }, gateway: { replicas: 4 } },
    names: "data-0 coordinator-0 router-0 user-0 guild-0 guild-1 guild-2 gateway-0 gateway-1 gateway-2 gateway-3 api-0",
  },
])("plans the processes of $spec", ({ spec, names }) => {
  const { workloads } = planOf(spec);
  expect(workloads.flatMap(({ instances }) => instances.map(({ name }) => name)).join(" ")).toBe(names);
  for (const { replicas, instances } of workloads) expect(instances).toHaveLength(replicas);
});

test.each<{ spec: Record<string, unknown>; instance: string; settings: Record<string, string> }>([
  {
    spec: { shards: 16, guild: { hosts: 3 } },
    instance: "coordinator-0",
    settings: { GUILDHALL_SHARDS: "16", GUILDHALL_HOSTS: "guild-0,guild-1,guild-2", GUILDHALL_LOG_LEVEL: "info" },
  },
  {
    spec: { shards: 2, log: { level: "debug", format: "Text" }, accounts: { passwordCost: "Low" } },
    instance: "user-0",
    settings: { GUILDHALL_LOG_LEVEL: "debug", GUILDHALL_LOG_FORMAT: "pretty", GUILDHALL_PASSWORD_COST: "Low" },
  },
  {
    spec: {
      shards: 2,
      rateLimits: "Off",
      gateway: {
        heartbeatInterval: "1s",
        resumeWindow: "2m",
        zstdContexts: 3,
        maxSessions: 9,
        drain: { deadline: "30s", batch: "10%" },
      },
    },
    instance: "gateway-1",
    settings: {
      GUILDHALL_NAME: "gateway-1",
      GUILDHALL_HEARTBEAT_INTERVAL_MS: "1000",
      GUILDHALL_RESUME_WINDOW_MS: "120000",
      GUILDHALL_ZSTD_CONTEXTS: "3",
      GUILDHALL_MAX_SESSIONS: "9",
      GUILDHALL_DRAIN_DEADLINE_MS: "30000",
      GUILDHALL_DRAIN_BATCH_PERCENT: "10",
      GUILDHALL_RATE_LIMITS: "Off",
    },
  },
  { spec: { shards: 2 }, instance: "api-0", settings: { GUILDHALL_RATE_LIMITS: "Standard" } },
  {
    spec: { shards: 2, gateway: { resumeWindow: "30m" } },
    instance: "data-0",
    settings: { GUILDHALL_RESUME_WINDOW_MS: "1800000" },
  },
  {
    spec: { shards: 2, gateway: { resumeWindow: "30m" } },
    instance: "user-0",
    settings: { GUILDHALL_RESUME_WINDOW_MS: "1800000" },
  },
])("gives $instance its settings", ({ spec, instance, settings }) => {
  expect(find(planOf(spec), instance).settings).toMatchObject(settings);
});

test("does not begin data and user anew for a resume window that they keep everything for anyhow", () => {
  const settingsOf = (resumeWindow: string, name: string) =>
    find(planOf({ shards: 2, gateway: { resumeWindow } }), name).settings;
  for (const name of ["data-0", "user-0"]) expect(settingsOf("5m", name)).toEqual(settingsOf("10s", name));
});

test("resolves addresses, folders and ports in the applier's places", () => {
  const fleet = planOf({ shards: 2 });
  expect(environmentOf(find(fleet, "coordinator-0"), places)).toMatchObject({
    GUILDHALL_LISTEN: "listen:coordinator-0",
    GUILDHALL_STATE_DIR: "/state/coordinator-0",
    GUILDHALL_DATA: "unix:/run/data-0.sock",
  });
  expect(environmentOf(find(fleet, "gateway-1"), places)).toMatchObject({
    GUILDHALL_WS_HOST: "127.0.0.1",
    GUILDHALL_WS_PORT: "81",
    GUILDHALL_WS_OWN_PORT: "82",
    GUILDHALL_GATEWAY_URL: "url:gateway-1:ws",
    GUILDHALL_LISTEN: "listen:gateway-1",
    GUILDHALL_ADDRESS: "unix:/run/gateway-1.sock",
    GUILDHALL_SESSIONS_DIR: "/state/sessions",
    GUILDHALL_ROUTERS: "unix:/run/router-0.sock",
    GUILDHALL_METRICS_PORT: "0",
  });
  expect(environmentOf(find(fleet, "api-0"), places)).toMatchObject({
    GUILDHALL_HTTP_PORT: "80",
    GUILDHALL_GATEWAY_URL: "url:api-0:ws",
    GUILDHALL_COORDINATOR: "unix:/run/coordinator-0.sock",
  });
});

test("settings hold no address", () => {
  for (const { instances } of planOf({ shards: 2 }).workloads) {
    for (const { settings } of instances) expect(JSON.stringify(settings)).not.toMatch(/unix:|sock|\/|127\./);
  }
});

test("no part starts before those it is after, and every part stops once", () => {
  const { workloads, stops } = planOf({ shards: 2 });
  const started: string[] = [];
  for (const { part, after } of workloads) {
    for (const other of after) expect(started).toContain(other);
    started.push(part);
  }
  expect(stops.flat().sort()).toEqual(started.sort());
});

test("the same document gives the same fleet", () => {
  expect(planOf({ shards: 4 })).toEqual(planOf({ shards: 4 }));
});

test("names the settings that a running process is told in another way", () => {
  const live = planOf({ shards: 2 }).workloads.flatMap(({ instances }) => instances);
  expect(live.flatMap(({ name, live }) => live.map((setting) => `${name} ${setting}`))).toEqual([
    "coordinator-0 GUILDHALL_SHARDS",
    "coordinator-0 GUILDHALL_HOSTS",
  ]);
});
