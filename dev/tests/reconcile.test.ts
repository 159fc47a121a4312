import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { makeTempDir, type TempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createFleet, type Endpoints, type Fleet } from "../src/index.ts";
import { smallPrograms } from "./small-programs.ts";

const coordinator = fileURLToPath(new URL("./programs/small-coordinator.ts", import.meta.url));
let folder: TempDir;
let fleet: Fleet;
const said: string[] = [];

beforeEach(async () => {
  folder = makeTempDir();
  said.length = 0;
  process.env.TRACE = join(folder.path, "trace");
  write({});
  fleet = await start();
});

async function start(): Promise<Fleet> {
  return await createFleet({
    state: join(folder.path, "state"),
    specFile: specFile(),
    programs: { ...smallPrograms, coordinator },
    withDemo: false,
    output: { write: (line) => said.push(line) },
  });
}

afterEach(async () => {
  delete process.env.SERVING;
  await fleet[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const specFile = () => join(folder.path, "fleet.yaml");
const log = () => said.join("");
const names = () => fleet.endpoints.processes.map(({ name }) => name).join(" ");
const pidOf = (name: string) => fleet.endpoints.processes.find((one) => one.name === name)?.pid;
const published = () => JSON.parse(readFileSync(join(folder.path, "state/endpoints.json"), "utf8")) as Endpoints;
const traceAfter = (at: number) => readFileSync(join(folder.path, "trace"), "utf8").split("\n").slice(at, -1);
const trace = () => traceAfter(0);
const within = { timeoutMs: 30_000 };

/** The document, with changes; one that YAML takes too. */
function documentOf(spec: Record<string, unknown>): object {
  const usual = {
    shards: 4,
    guild: { hosts: 2 },
    gateway: { replicas: 2 },
    endpoints: { apiPort: 0, gatewayPort: 0 },
    log: { format: "Text" },
  };
  return {
    apiVersion: "guildhall.dev/v1alpha1",
    kind: "ShardSet",
    metadata: { name: "small" },
    spec: { ...usual, ...spec },
  };
}

/** Saves an edit as editors do: another file takes the place of this one. */
function write(spec: Record<string, unknown>): void {
  writeFileSync(`${specFile()}.swp`, JSON.stringify(documentOf(spec), undefined, 2));
  renameSync(`${specFile()}.swp`, specFile());
}

async function ask(verb: string, body: object = {}): Promise<{ status: number | undefined; body: object }> {
  const socketPath = join(folder.path, "state/control.sock");
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: `/v1/${verb}`, method: "POST" }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode, body: JSON.parse(answer) }), reject);
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

test("follows an edit: starts what is new, stops what is no more wanted, leaves the rest alone", async () => {
  const [data, guild] = [pidOf("data-0"), pidOf("guild-0")];
  write({ guild: { hosts: 3 }, gateway: { replicas: 3 } });
  await waitFor(() => names().includes("guild-2") && names().includes("gateway-2"), within);
  expect(names()).toBe(
    "data-0 coordinator-0 router-0 user-0 guild-0 guild-1 guild-2 gateway-0 gateway-1 gateway-2 api-0",
  );
  expect(published()).toEqual(fleet.endpoints);
  expect(fleet.endpoints.processes.find(({ name }) => name === "gateway-2")?.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
  expect(log()).toContain(`fleet         | ${specFile()}: spec.guild.hosts 2 -> 3, spec.gateway.replicas 2 -> 3\n`);
  await waitFor(() => trace().includes("coordinator-0 applies 4 guild-0,guild-1,guild-2"), within);
  write({});
  await waitFor(() => !names().includes("guild-2") && !names().includes("gateway-2"), within);
  await waitFor(() => trace().includes("guild-2 stops") && trace().includes("gateway-2 stops"), within);
  expect(log()).toContain("fleet         | gateway-2 has stopped\n");
  expect([pidOf("data-0"), pidOf("guild-0")]).toEqual([data, guild]);
  expect(fleet.spec.spec.guild.hosts).toBe(2);
});

test("refuses an edit whole, with the path of each mistake", async () => {
  const before = names();
  write({ shards: 6, guild: { hosts: 0 }, gateway: { replicas: 5 } });
  await waitFor(() => log().includes("refused, nothing changes"), within);
  expect(log()).toContain(
    `warn refused, nothing changes: ${specFile()}: spec.shards: must be a power of two from 1 to 65536; ` +
      "spec.guild.hosts: must be from 1 to 64",
  );
  await waitFor(() => trace().some((line) => line.startsWith("coordinator-0 applies")), within);
  write({ shards: 2, endpoints: { apiPort: 1, gatewayPort: 0 } });
  await waitFor(() => log().includes("spec.endpoints.apiPort"), within);
  expect(log()).toContain("spec.shards: must stay 4 or become 8 (4 serve): shards are never merged");
  expect(log()).toContain("spec.endpoints.apiPort: cannot change while the fleet runs (it is 0)");
  await expect(fleet.apply(documentOf({ shards: 16 }))).rejects.toMatchObject({
    code: "BAD_SPEC",
    message: expect.stringContaining("spec.shards: must stay 4 or become 8 (4 serve)"),
    fields: [{ path: ["spec", "shards"] }],
  });
  await expect(fleet.apply(documentOf({ version: "99.0.0" }))).rejects.toMatchObject({ code: "BAD_SPEC" });
  expect(names()).toBe(before);
  expect(fleet.spec.spec.gateway.replicas).toBe(2);
});

test("passes on what the coordinator carries out, and starts nothing anew for it", async () => {
  const before = fleet.endpoints.processes;
  const changes = await fleet.apply(documentOf({ shards: 8, resharding: { approval: "Automatic" } }));
  expect(changes.map(({ path }) => path)).toEqual(["spec.shards", "spec.resharding.approval"]);
  await waitFor(() => trace().includes("coordinator-0 applies 8 guild-0,guild-1"), within);
  expect(await fleet.apply(documentOf({ shards: 8, resharding: { approval: "Automatic" } }))).toEqual([]);
  expect(fleet.endpoints.processes).toEqual(before);
  await fleet.kill("coordinator-0");
  await fleet.whenReady("coordinator-0");
});

test("starts processes anew whose settings changed, one by one, hosts after their shards went elsewhere", async () => {
  const at = trace().length;
  write({ gateway: { replicas: 2, resumeWindow: "10s" } });
  await waitFor(() => log().includes("gateway-1 is ready again"), within);
  expect(traceAfter(at).filter((line) => !line.includes("applies"))).toEqual([
    "coordinator-0 drains guild-0",
    "guild-0 stops",
    "guild-0 starts",
    "coordinator-0 drains guild-1",
    "guild-1 stops",
    "guild-1 starts",
    "gateway-0 stops",
    "gateway-0 starts",
    "gateway-1 stops",
    "gateway-1 starts",
  ]);
});

test("a process that ends by itself comes back with the settings of now", async () => {
  await ask("pause");
  await fleet.apply(documentOf({ rateLimits: "Off" }));
  await ask("pause");
  const at = trace().length;
  await fleet.kill("gateway-0");
  await fleet.whenReady("gateway-0");
  await ask("resume");
  await waitFor(() => traceAfter(at).includes("api-0 starts"), within);
  expect(traceAfter(at).filter((line) => line.startsWith("gateway-0"))).toEqual(["gateway-0 starts"]);
});

test("changes nothing while it is paused, until resume or the next edit", async () => {
  expect((await ask("pause", { dryRun: true })).body).toMatchObject({ dryRun: true });
  expect((await ask("pause")).body).toMatchObject({ lines: [expect.stringMatching(/^paused: /), expect.any(String)] });
  await waitFor(() => trace().includes("coordinator-0 applies 4 guild-0,guild-1 paused"), within);
  expect((await ask("pause")).body).toMatchObject({ lines: ["it is paused already"] });
  expect((await ask("resume")).body).toMatchObject({ lines: [expect.stringMatching(/^resumed: /)] });
  await ask("pause");
  const paused = { paused: true, guild: { hosts: 3 } };
  await fleet.apply(documentOf(paused));
  expect(log()).toContain("what `guildhall pause` or `resume` said has ended with this edit");
  await waitFor(() => trace().at(-1) === "coordinator-0 applies 4 guild-0,guild-1,guild-2 paused", within);
  expect(names()).not.toContain("guild-2");
  await ask("resume");
  await waitFor(() => names().includes("guild-2"), within);
});

test("restarts a process on request, after its work went elsewhere", async () => {
  expect(await ask("drain", { name: "guild-7" })).toMatchObject({ status: 400, body: { path: "name" } });
  const at = trace().length;
  expect((await ask("drain", { name: "guild-0", dryRun: true })).body).toEqual({
    dryRun: true,
    lines: [expect.stringMatching(/^would restart guild-0: its shards go to other hosts first; .*; it has 2 now$/)],
  });
  expect((await ask("drain", { name: "guild-0" })).status).toBe(200);
  expect((await ask("drain", { name: "router-0" })).body).toMatchObject({
    lines: [expect.stringContaining("nothing can take its work over")],
  });
  expect(traceAfter(at).filter((line) => !line.includes("applies"))).toEqual([
    "coordinator-0 drains guild-0 dry",
    "coordinator-0 drains guild-0",
    "guild-0 stops",
    "guild-0 starts",
    "router-0 stops",
    "router-0 starts",
  ]);
});

test("goes on as before when its document is gone, and keeps a process stopped that was stopped by hand", async () => {
  await fleet.stop("router-0");
  renameSync(specFile(), `${specFile()}.away`);
  await waitFor(() => log().includes("is gone: the fleet goes on as it said last"), within);
  expect(trace().at(-1)).not.toBe("router-0 starts");
  await fleet.start("router-0");
  expect(existsSync(join(folder.path, "state/control.sock"))).toBe(true);
});

test("goes on with the shards that there are when its document is of another number, and says what is right", async () => {
  await fleet[Symbol.asyncDispose]();
  process.env.SERVING = "8";
  fleet = await start();
  await waitFor(() => trace().at(-1) === "coordinator-0 applies 8 guild-0,guild-1", within);
  const odd = "spec.shards is 4, but 8 shards serve, and they stay: write 8 there, or 16 to double them";
  await waitFor(() => log().includes(odd), within);
  expect(log()).not.toContain("impossible");
  await fleet.apply(documentOf({ shards: 8 }));
  await waitFor(() => fleet.spec.spec.shards === 8, within);
  expect(log().split(odd)).toHaveLength(2);
});
