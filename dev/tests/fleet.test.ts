import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createFleet, type Endpoints, type FleetOptions } from "../src/index.ts";
import { identify } from "../src/state/process-identity.ts";
import { smallPrograms, smallSpec } from "./small-programs.ts";

let state: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "guildhall-test-"));
});

afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
});

const create = (options: Partial<FleetOptions> = {}) =>
  createFleet({ state, spec: smallSpec, programs: smallPrograms, withDemo: false, ...options });
const file = () => join(state, "endpoints.json");
const published = () => JSON.parse(readFileSync(file(), "utf8")) as Endpoints;
const isRunning = (pid: number) => identify(pid) !== undefined;
const pidOf = ({ processes }: Endpoints, name: string) => processes.find((it) => it.name === name)?.pid ?? 0;

function startChild(fault = ""): ChildProcess {
  const main = fileURLToPath(new URL("./programs/small-fleet.ts", import.meta.url));
  child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, state], {
    stdio: "ignore",
    env: { ...process.env, FAULT: fault },
  });
  return child;
}

test("publishes how to reach it while it runs", async () => {
  const fleet = await create();
  try {
    expect(published()).toEqual(fleet.endpoints);
    expect((statSync(file()).mode & 0o777).toString(8)).toBe("600");
    const { api, gateway, cdn, processes } = fleet.endpoints;
    const origin = new URL(api).origin;
    expect([api, cdn]).toEqual([`${origin}/api/v10`, `${origin}/cdn`]);
    expect(gateway).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect(processes.map(({ name, service, metrics }) => [name, service, metrics]).sort()).toEqual(
      ["api", "coordinator", "data", "gateway", "guild", "router", "user"].map((part) => [
        `${part}-0`,
        part,
        `http://127.0.0.1/${part}-0`,
      ]),
    );
    expect(processes.every(({ pid }) => isRunning(pid))).toBe(true);
  } finally {
    await fleet[Symbol.asyncDispose]();
  }
  expect(existsSync(file())).toBe(false);
  expect(existsSync(join(state, "lock"))).toBe(false);
  expect(fleet.endpoints.processes.some(({ pid }) => isRunning(pid))).toBe(false);
});

test("publishes a process's new number when it is ready again", async () => {
  await using fleet = await create();
  const before = pidOf(fleet.endpoints, "guild-0");
  await fleet.kill("guild-0");
  await fleet.whenReady("guild-0");
  expect(pidOf(fleet.endpoints, "guild-0")).not.toBe(before);
  expect(published()).toEqual(fleet.endpoints);
  const killed = pidOf(fleet.endpoints, "user-0");
  await fleet.restart("user-0");
  expect(pidOf(published(), "user-0")).not.toBe(killed);
  await fleet.stop("data-0");
  expect(isRunning(pidOf(published(), "data-0"))).toBe(false);
  await fleet.start("data-0");
  expect(isRunning(pidOf(published(), "data-0"))).toBe(true);
});

test("refuses a second fleet on the same folder", async () => {
  await using _fleet = await create();
  await expect(create()).rejects.toMatchObject({
    code: "BAD_CONFIG",
    message: expect.stringContaining("another fleet (process"),
  });
  expect(existsSync(file())).toBe(true);
});

test("refuses a wrong document before it touches anything", async () => {
  const spec = { ...smallSpec, spec: { ...smallSpec.spec, shards: 3, voice: {} } };
  await expect(create({ spec })).rejects.toMatchObject({
    code: "BAD_SPEC",
    fields: [{ path: ["spec", "voice"] }, { path: ["spec", "shards"] }],
  });
  const versioned = { ...smallSpec, spec: { ...smallSpec.spec, version: "99.0.0" } };
  await expect(create({ spec: versioned })).rejects.toMatchObject({
    code: "BAD_SPEC",
    message: expect.stringMatching(/^spec\.version: must be \d/),
  });
  expect(existsSync(join(state, "version"))).toBe(false);
});

test("stops in order on SIGTERM", async () => {
  const process = startChild();
  await waitFor(() => existsSync(file()), { timeoutMs: 30_000 });
  const { processes } = published();
  process.kill("SIGTERM");
  expect(await once(process, "exit")).toEqual([0, null]);
  expect(existsSync(file())).toBe(false);
  expect(processes.some(({ pid }) => isRunning(pid))).toBe(false);
});

test("ends at once on a second signal, and takes its processes along", async () => {
  const process = startChild("stubborn");
  await waitFor(() => existsSync(file()), { timeoutMs: 30_000 });
  const { processes } = published();
  process.kill("SIGINT");
  await waitFor(() => !existsSync(file()));
  const exited = once(process, "exit");
  // Ctrl-C under npm arrives twice: what follows within 500 ms is the same one, so it takes more than one.
  const again = setInterval(() => process.kill("SIGINT"), 100);
  expect(await exited).toEqual([1, null]);
  clearInterval(again);
  await waitFor(() => !processes.some(({ pid }) => isRunning(pid)));
});

test("leaves no process behind when it is killed, and the next start takes over", async () => {
  const process = startChild();
  await waitFor(() => existsSync(file()), { timeoutMs: 30_000 });
  const { processes } = published();
  process.kill("SIGKILL");
  await once(process, "exit");
  await using fleet = await create();
  expect(processes.some(({ pid }) => isRunning(pid))).toBe(false);
  expect(fleet.endpoints.processes).toHaveLength(processes.length);
});
