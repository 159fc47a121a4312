import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { openStateFolder } from "./folder.ts";
import { identify, isAlive } from "./process-identity.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "guildhall-test-"));
});

afterEach(() => rm(base, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("makes a folder that only its owner can read", async () => {
  const path = join(base, "deep/state");
  using folder = await openStateFolder(path);
  expect(readdirSync(path).sort()).toEqual(["coordinator", "data", "lock", "run", "sessions", "user", "version"]);
  expect(["", "data", "user", "coordinator", "sessions", "run"].map((name) => modeOf(join(path, name)))).toEqual(
    Array(6).fill("700"),
  );
  expect(["lock", "version"].map((name) => modeOf(join(path, name)))).toEqual(["600", "600"]);
  expect(readFileSync(join(path, "version"), "utf8")).toBe("1\n");
  expect(folder.sockets).toBe(join(path, "run"));
});

test("gives the folder back and opens it again", async () => {
  (await openStateFolder(base))[Symbol.dispose]();
  expect(readdirSync(base).sort()).toEqual(["coordinator", "data", "sessions", "user", "version"]);
  (await openStateFolder(base))[Symbol.dispose]();
});

test("refuses a folder of another version, and one of an unknown version", async () => {
  writeFileSync(join(base, "version"), "7\n");
  await expect(openStateFolder(base)).rejects.toMatchObject({
    code: "STATE_VERSION",
    message: expect.stringContaining("has version 7, this Guildhall has version 1"),
  });
  const unknown = join(base, "unknown");
  mkdirSync(join(unknown, "data"), { recursive: true });
  await expect(openStateFolder(unknown)).rejects.toMatchObject({ code: "STATE_VERSION" });
});

test("refuses a folder that cannot be one", async () => {
  const file = join(base, "file");
  writeFileSync(file, "");
  await expect(openStateFolder(file)).rejects.toMatchObject({ code: "BAD_CONFIG" });
});

test("refuses a second fleet on the same folder, and leaves the first its lock", async () => {
  using _first = await openStateFolder(base);
  const lock = readFileSync(join(base, "lock"), "utf8");
  await expect(openStateFolder(base)).rejects.toMatchObject({
    code: "BAD_CONFIG",
    message: expect.stringContaining(`another fleet (process ${process.pid}) runs on ${base}`),
  });
  expect(readFileSync(join(base, "lock"), "utf8")).toBe(lock);
});

test("takes over the lock of a process that is gone, also when its number is in use again", async () => {
  const owner = { pid: process.pid, started: "another boot/1" };
  writeFileSync(join(base, "lock"), JSON.stringify({ owner, children: {} }));
  using _folder = await openStateFolder(base);
  expect(JSON.parse(readFileSync(join(base, "lock"), "utf8")).owner).toEqual(identify(process.pid));
});

test("takes over a lock that is no JSON", async () => {
  writeFileSync(join(base, "lock"), "");
  using folder = await openStateFolder(base);
  expect(existsSync(folder.file("lock"))).toBe(true);
});

test("waits for the processes that a dead fleet has left", async () => {
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 400)"]);
  const exited = once(child, "exit");
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error("the child has no identity");
  const owner = { pid: process.pid, started: "another boot/1" };
  writeFileSync(join(base, "lock"), JSON.stringify({ owner, children: { "data-0": identity } }));
  using _folder = await openStateFolder(base);
  expect(isAlive(identity)).toBe(false);
  await exited;
});

test("keeps sockets in a short folder when the path is too long for them, and removes it", async () => {
  const path = join(base, "x".repeat(90));
  const folder = await openStateFolder(path);
  const link = join(path, "run");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(realpathSync(link)).toBe(realpathSync(folder.sockets));
  expect(Buffer.byteLength(join(folder.sockets, "coordinator-0.sock"))).toBeLessThan(100);
  expect(modeOf(folder.sockets)).toBe("700");
  folder[Symbol.dispose]();
  expect(existsSync(folder.sockets)).toBe(false);
  expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
});
