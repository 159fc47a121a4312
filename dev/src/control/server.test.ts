import { existsSync, mkdirSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { GuildhallError } from "@guildhall/errors";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { flag, folder, optional, readForm, text as textField, whole } from "./forms.ts";
import { type ControlServer, openControlServer } from "./server.ts";

const faults: string[] = [];

async function serve(base: string, path = join(base, "control.sock")): Promise<ControlServer> {
  mkdirSync(join(base, "run"), { recursive: true });
  return await openControlServer({
    path,
    sockets: join(base, "run"),
    onFault: (verb, { message }) => faults.push(`${verb}: ${message}`),
    verbs: {
      echo: async (body) => ({ body }),
      refuse: async (body) => readForm(body, { shard: textField(/^\d+\/\d+$/, 'must be a shard such as "3/8"') }),
      break: async () => {
        throw new TypeError("unforeseen");
      },
      fail: async () => {
        throw new GuildhallError("UNAVAILABLE", "the coordinator does not answer");
      },
    },
  });
}

async function ask(socketPath: string, path: string, body = "{}", method = "POST") {
  return await new Promise<{ status: number | undefined; body: unknown }>((resolve, reject) => {
    const sent = request({ socketPath, path, method }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode, body: JSON.parse(answer) }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("is a socket that only its owner may open, and gone when it is closed", async () => {
  await using base = await makeTempDir();
  const server = await serve(base.path);
  expect((statSync(server.path).mode & 0o777).toString(8)).toBe("600");
  expect(await ask(server.path, "/v1/echo", '{"a":1}')).toEqual({ status: 200, body: { body: { a: 1 } } });
  await server[Symbol.asyncDispose]();
  expect(existsSync(server.path)).toBe(false);
});

test("is found by its path also where that is too long for a socket", async () => {
  await using base = await makeTempDir();
  const deep = join(base.path, "x".repeat(120));
  mkdirSync(deep);
  await using server = await serve(base.path, join(deep, "control.sock"));
  expect((statSync(server.path).mode & 0o777).toString(8)).toBe("600");
  expect(await ask(join(base.path, "run/control.sock"), "/v1/echo", "")).toEqual({ status: 200, body: { body: {} } });
});

test("takes the place of a socket that a killed fleet has left", async () => {
  await using base = await makeTempDir();
  const first = await serve(base.path);
  await using second = await serve(base.path);
  expect(await ask(second.path, "/v1/echo")).toMatchObject({ status: 200 });
  await first[Symbol.asyncDispose]();
});

test.each([
  ["/v1/nonsense", "{}", "POST", 404, "UNKNOWN_ROUTE"],
  ["/v1/toString", "{}", "POST", 404, "UNKNOWN_ROUTE"],
  ["/echo", "{}", "POST", 404, "UNKNOWN_ROUTE"],
  ["/v1/echo", "", "GET", 405, "METHOD_NOT_ALLOWED"],
  ["/v1/echo", "{", "POST", 400, "MALFORMED_JSON"],
  ["/v1/echo", `"${"x".repeat(70_000)}"`, "POST", 413, "PAYLOAD_TOO_LARGE"],
  ["/v1/fail", "{}", "POST", 503, "UNAVAILABLE"],
  ["/v1/refuse", "[]", "POST", 400, "INVALID_FORM"],
] as const)("refuses request %#", async (path, body, method, status, code) => {
  await using base = await makeTempDir();
  await using server = await serve(base.path);
  const answer = await ask(server.path, path, body, method);
  expect(answer).toEqual({ status, body: { code, message: expect.any(String) } });
});

test("names the field that is wrong", async () => {
  await using base = await makeTempDir();
  await using server = await serve(base.path);
  expect((await ask(server.path, "/v1/refuse", '{"shard":"three"}')).body).toEqual({
    code: "INVALID_FORM",
    message: 'shard: must be a shard such as "3/8"',
    path: "shard",
  });
  expect((await ask(server.path, "/v1/refuse", '{"shard":"3/8","host":"a"}')).body).toEqual({
    code: "INVALID_FORM",
    message: "host: unknown field (known here: shard)",
    path: "host",
  });
});

test("reports what nobody foresaw, and goes on", async () => {
  await using base = await makeTempDir();
  await using server = await serve(base.path);
  expect(await ask(server.path, "/v1/break")).toEqual({
    status: 500,
    body: { code: "INTERNAL", message: "unforeseen" },
  });
  expect(faults.splice(0)).toEqual(["break: unforeseen"]);
  expect(await ask(server.path, "/v1/echo")).toMatchObject({ status: 200 });
});

const fields = { dryRun: flag, to: optional(whole(1, 8)), folder: optional(folder) };
test.each<[unknown, unknown]>([
  [{}, { dryRun: false, to: undefined, folder: undefined }],
  [
    { dryRun: true, to: 8, folder: "/a" },
    { dryRun: true, to: 8, folder: "/a" },
  ],
  [{ dryRun: "yes" }, "dryRun: must be true or false"],
  [{ to: 9 }, "to: must be a whole number from 1 to 8"],
  [{ to: null }, "to: must be a whole number from 1 to 8"],
  [{ folder: "a" }, "folder: must be the absolute path of a folder"],
  [{ __proto__: null, constructor: 1 }, "constructor: unknown field (known here: dryRun, to, folder)"],
  [null, "the body must be a JSON object"],
])("reads %j", (body, expected) => {
  if (typeof expected === "string") expect(() => readForm(body, fields)).toThrow(expected);
  else expect(readForm(body, fields)).toEqual(expected);
});
