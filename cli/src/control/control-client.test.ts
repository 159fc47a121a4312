import { chmodSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { isFleetRunning, makeControlClient } from "./control-client.ts";

let folder: TempDir;
let server: Server | undefined;
const asked: string[] = [];

beforeEach(() => {
  folder = makeTempDir();
  asked.length = 0;
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  folder[Symbol.dispose]();
});

/** A fleet that answers everything alike. */
async function answerWith(status: number, body: object, path = join(folder.path, "control.sock")): Promise<void> {
  const made = createServer((request, response) => {
    void text(request).then((sent) => {
      asked.push(`${request.method} ${request.url} ${sent}`);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(path, resolve));
}

test("asks by the verb's path, and gives the answer", async () => {
  await answerWith(200, { dryRun: true, lines: ["would"] });
  const client = makeControlClient(folder.path);
  expect(await client.call("drain", { name: "gateway-0", dryRun: true })).toEqual({ dryRun: true, lines: ["would"] });
  expect(asked).toEqual(['POST /v1/drain {"name":"gateway-0","dryRun":true}']);
});

test("finds the socket through a link", async () => {
  mkdirSync(join(folder.path, "short"));
  mkdirSync(join(folder.path, "state"));
  await answerWith(200, {}, join(folder.path, "short/c.sock"));
  symlinkSync(join(folder.path, "short/c.sock"), join(folder.path, "state/control.sock"));
  await makeControlClient(join(folder.path, "state")).call("pause", {});
  expect(await isFleetRunning(join(folder.path, "state"))).toBe(true);
});

test("rejects with the fleet's own words", async () => {
  await answerWith(409, { code: "REFUSED", message: "a reshard is under way" });
  await expect(makeControlClient(folder.path).call("reshard-apply", { to: 8 })).rejects.toMatchObject({
    code: "REFUSED",
    message: "a reshard is under way",
  });
});

test("says what to do when no fleet runs, also when one was killed there", async () => {
  const nobody = { code: "UNAVAILABLE", message: expect.stringContaining("start one with `npm start`") };
  await expect(makeControlClient(folder.path).call("shards", {})).rejects.toMatchObject(nobody);
  expect(await isFleetRunning(folder.path)).toBe(false);
  await answerWith(200, {});
  const left = join(folder.path, "left");
  symlinkSync(join(folder.path, "control.sock"), left);
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  rmSync(left);
  await expect(makeControlClient(folder.path).call("shards", {})).rejects.toMatchObject(nobody);
});

test("says who may drive the fleet", async () => {
  // Root opens everything.
  if (process.getuid?.() === 0) return;
  await answerWith(200, {});
  chmodSync(join(folder.path, "control.sock"), 0o000);
  await expect(makeControlClient(folder.path).call("shards", {})).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});
