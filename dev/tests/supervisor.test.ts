import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { validateShardSet } from "@guildhall/operator/api";
import { plan } from "@guildhall/operator/plan";
import { waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeOutput } from "../src/output/output.ts";
import { makeSupervisor, type StopLimits, type Supervisor } from "../src/supervisor/supervisor.ts";
import { smallProgram, smallSpec } from "./small-programs.ts";

let base: string;
let supervisor: Supervisor | undefined;
const written: string[] = [];
const revisions = new Map<string, string>();

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "guildhall-test-"));
  written.length = 0;
  revisions.clear();
});

afterEach(async () => {
  supervisor?.killNow();
  await supervisor?.stop();
  await rm(base, { recursive: true, force: true });
});

const fleet = plan(validateShardSet(smallSpec));
const trace = () => readFileSync(join(base, "trace"), "utf8").trim().split("\n");
const said = () => written.join("");

function supervise(faults: Record<string, string> = {}, stopLimits?: StopLimits): Supervisor {
  const output = makeOutput({ write: (text) => written.push(text) }, "Text", ["coordinator-0"]);
  supervisor = makeSupervisor({
    fleet,
    output,
    launch: ({ name }) => ({
      program: smallProgram,
      nodeFlags: ["--disable-warning=ExperimentalWarning"],
      environment: { GUILDHALL_NAME: name, TRACE: join(base, "trace"), FAULT: faults[name] ?? "" },
      revision: revisions.get(name) ?? "",
    }),
    onSpawn() {},
    onReady() {},
    ...(stopLimits && { stopLimits }),
  });
  return supervisor;
}

test("starts each part after those it needs, and stops clients first", async () => {
  const { start, stop } = supervise();
  await start({ timeoutMs: 30_000 });
  const started = trace().map((line) => line.replace("-0 starts", ""));
  for (const { part, after } of fleet.workloads) {
    for (const other of after) expect(started.indexOf(other)).toBeLessThan(started.indexOf(part));
  }
  await stop();
  const stopped = trace().slice(started.length);
  expect(stopped.slice(0, 2).sort()).toEqual(["api-0 stops", "gateway-0 stops"]);
  expect(stopped.slice(2)).toEqual(["router", "guild", "user", "data", "coordinator"].map((part) => `${part}-0 stops`));
  expect(said()).toContain("guild-0       | listening\n");
});

test("starts a killed process again and leaves the others alone", async () => {
  const { start, children } = supervise();
  await start({ timeoutMs: 30_000 });
  const pids = new Map(Array.from(children, ([name, { pid }]) => [name, pid]));
  const guild = children.get("guild-0");
  await guild?.kill("SIGKILL");
  expect(guild?.state).toBe("waiting");
  await guild?.whenReady();
  expect(guild?.pid).not.toBe(pids.get("guild-0"));
  for (const [name, { pid }] of children) if (name !== "guild-0") expect(pid).toBe(pids.get(name));
  expect(said()).toContain("fleet         | warn guild-0 was ended by SIGKILL, started again in 100 ms\n");
});

test("tries a crashing process again, shows its crash, and says in the end who was not ready", async () => {
  const { start } = supervise({ "router-0": "crashes" });
  const failed = start({ timeoutMs: 3_000 });
  await expect(failed).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringMatching(
      /^not ready after 3 s: router-0 \((starting|waiting), said: Error: as it was told to\), /,
    ),
  });
  expect(said()).toContain("router-0      | Error: as it was told to\n");
  expect(said()).toContain("fleet         | warn router-0 exited with 1, started again in 100 ms\n");
  expect(said()).toContain("fleet         | warn router-0 exited with 1, started again in 200 ms\n");
  expect(trace()).not.toContain("gateway-0 starts");
});

test("gives up a start in which a process ends again and again, when it is to", async () => {
  const { start } = supervise({ "data-0": "crashes" });
  await expect(start({ timeoutMs: 30_000, mostEnds: 2 })).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringMatching(
      /^not ready after \d s: data-0 \(waiting, said: Error: as it was told to\), .*api-0 \(stopped\)$/,
    ),
  });
});

test("gives up a start when it is told to, and starts nothing more", async () => {
  const { start, stop } = supervise({ "data-0": "mute" });
  const stopping = new AbortController();
  const failed = start({ timeoutMs: 30_000, signal: stopping.signal });
  await waitFor(() => said().includes("data-0        | listening"));
  stopping.abort();
  await expect(failed).rejects.toMatchObject({ code: "CANCELLED" });
  await stop();
  expect(trace()).toEqual(["data-0 starts", "data-0 stops"]);
});

test("goes on past a process that does not stop, and kills it in the end", async () => {
  const { start, stop, children } = supervise({ "gateway-0": "stubborn" }, { stepMs: 100, allMs: 2_000 });
  await start({ timeoutMs: 30_000 });
  const { pid = 0 } = children.get("gateway-0") ?? {};
  await stop();
  expect(trace().at(-1)).toBe("coordinator-0 stops");
  expect(Array.from(children.values(), ({ state }) => state)).toEqual(Array(7).fill("stopped"));
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("takes another plan over while its processes run", async () => {
  const { start, adopt, children, isStale, partOf, remove, stop } = supervise();
  await start({ timeoutMs: 30_000 });
  const router = children.get("router-0")?.pid;
  adopt(plan(validateShardSet({ ...smallSpec, spec: { ...smallSpec.spec, shards: 2, guild: { hosts: 2 } } })));
  expect([...children.keys()].filter((name) => name.startsWith("guild"))).toEqual(["guild-0", "guild-1"]);
  expect(children.get("guild-1")?.state).toBe("stopped");
  children.get("guild-1")?.start();
  await children.get("guild-1")?.whenReady();
  expect(partOf("guild-1")).toBe("guild");
  revisions.set("router-0", "other");
  expect(["router-0", "user-0"].map(isStale)).toEqual([true, false]);
  await children.get("router-0")?.stop();
  expect(isStale("router-0")).toBe(false);
  children.get("router-0")?.start();
  await children.get("router-0")?.whenReady();
  expect(isStale("router-0")).toBe(false);
  expect(children.get("router-0")?.pid).not.toBe(router);
  adopt(fleet);
  remove("guild-1");
  expect(children.get("guild-1")?.state).toBe("ready");
  await children.get("guild-1")?.stop();
  remove("guild-1");
  expect(children.has("guild-1")).toBe(false);
  await stop();
});

test("stops a paused process", async () => {
  const { start, stop, children } = supervise();
  await start({ timeoutMs: 30_000 });
  await children.get("user-0")?.kill("SIGSTOP");
  await stop();
  expect(trace()).toContain("user-0 stops");
});
