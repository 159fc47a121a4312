import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { describeSessionStore } from "./session-store.contract.ts";
import { FileSessionStore } from "./session-store-files.ts";
import { MemorySessionStore } from "./session-store-memory.ts";

describeSessionStore("in memory", async () => {
  let nowMs = 1_000;
  const store = new MemorySessionStore(() => nowMs++);
  return { store, reopen: () => store, async [Symbol.asyncDispose]() {} };
});

describeSessionStore("in files", async () => {
  const dir = makeTempDir();
  const reopen = () => new FileSessionStore(dir.path);
  return { store: reopen(), reopen, [Symbol.asyncDispose]: async () => dir[Symbol.dispose]() };
});

test("nobody else may read the files", () => {
  using dir = makeTempDir();
  using log = new FileSessionStore(dir.path).createLog({ tag: "0000000a", name: "gateway-0", address: "" });
  log.begin(1, Buffer.from("<1>"));
  const folder = join(dir.path, "logs", "0000000a");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder))
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
});

test("a folder that cannot be written is said so, and names that are none lead nowhere", async () => {
  using dir = makeTempDir();
  const blocked = join(dir.path, "blocked");
  writeFileSync(blocked, "a file");
  const store = new FileSessionStore(blocked);
  using log = store.createLog({ tag: "0000000a", name: "gateway-0", address: "" });
  expect(() => log.begin(1, Buffer.from("<1>"))).toThrow(expect.objectContaining({ code: "STORE_UNAVAILABLE" }));
  expect(() => log.append(Buffer.from("x"))).toThrow(expect.objectContaining({ code: "STORE_UNAVAILABLE" }));
  await expect(store.read("../../etc", { segment: 1, offset: 0 }, 1)).rejects.toThrow();
  await expect(store.claims("../../etc/passwd")).rejects.toThrow();
  mkdirSync(join(dir.path, "open"));
  chmodSync(join(dir.path, "open"), 0o700);
  expect(await new FileSessionStore(join(dir.path, "open")).logs()).toEqual([]);
});
