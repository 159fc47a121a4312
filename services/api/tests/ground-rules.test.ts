import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

let fleet: SmallFleet;
beforeAll(async () => {
  fleet = await startSmallFleet();
});
afterAll(async () => fleet[Symbol.asyncDispose]());

/** Sends bytes and returns all that comes back. */
async function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(fleet.api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.end(text);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  await once(socket, "close");
  return answer;
}

const notFound = { message: "404: Not Found", code: 0 };
const notAllowed = { message: "405: Method Not Allowed", code: 0 };
const unauthorized = { message: "401: Unauthorized", code: 0 };

describe("versions", () => {
  test.each(["/api/v10/gateway", "/api/v9/gateway", "/api/gateway", "/api/v10//gateway", "//api/v10/gateway"])(
    "serves %s",
    async (url) => {
      const { statusCode, payload } = await fleet.api.app.inject(url);
      expect([statusCode, JSON.parse(payload)]).toEqual([200, { url: "ws://127.0.0.1:1234" }]);
    },
  );

  test.each(["/api/v8/gateway", "/api/v100/gateway", "/api/v1"])("does not know the version of %s", async (url) => {
    const { statusCode, payload } = await fleet.api.app.inject(url);
    expect([statusCode, JSON.parse(payload).code]).toEqual([400, 50041]);
  });
});

describe("refusals", () => {
  test.each([
    ["an unknown route", "GET", "/nowhere", {}, 404, notFound],
    ["the base itself", "GET", "", {}, 404, notFound],
    ["another method", "PATCH", "/gateway", {}, 405, notAllowed],
    ["another method of a path with ids", "PUT", "/channels/1/messages/2", {}, 405, notAllowed],
    ["a method that nobody has", "PROPFIND", "/users/@me", {}, 405, notAllowed],
    ["no token", "GET", "/users/@me", { token: "" }, 401, unauthorized],
    ["a wrong token", "GET", "/users/@me", { token: "x" }, 401, unauthorized],
    ["a bearer token", "GET", "/users/@me", { token: "Bearer x" }, 401, unauthorized],
    ["bytes in the token", "GET", "/users/@me", { token: "\u00ff" }, 401, unauthorized],
    ["a URL that is too long", "GET", `/users/${"1".repeat(5000)}`, {}, 414, { message: "414: URI Too Long", code: 0 }],
    ["a broken escape", "GET", "/invites/%zz", {}, 400, { message: "400: Bad Request", code: 0 }],
  ])("%s", async (_what, method, path, asking, status, body) => {
    const answer = await fleet.ask(method, path, asking);
    expect([answer.status, answer.json]).toEqual([status, body]);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers.date).toBeDefined();
  });

  test("what lies outside of the API", async () => {
    for (const url of ["/", "/gateway", "/apiv10/gateway", "/v10/gateway", "/-"]) {
      const answer = await fleet.api.app.inject(url);
      expect([url, answer.statusCode, answer.headers["content-type"]]).toEqual([url, 404, "application/json"]);
    }
  });

  test("a HEAD is answered without a body", async () => {
    const answer = await fetch(`${fleet.api.url}/api/v10/gateway`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([405, ""]);
  });

  test.each([
    ["garbage", "\u0000\u0001\u0002 garbage\r\n\r\n", 400],
    ["headers without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(40_000)}\r\n\r\n`, 431],
    ["a wrong length", "POST /api/v10/guilds HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400],
  ])("%s is refused in JSON", async (_what, text, status) => {
    const [head = "", body = ""] = (await sendRaw(text)).split("\r\n\r\n");
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain("Content-Type: application/json\r\n");
    expect(JSON.parse(body)).toMatchObject({ code: 0 });
  });
});

describe("bodies", () => {
  const path = "/channels/1/messages";

  test.each([
    ["no JSON", "{", 400, 50109],
    ["no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), 400, 50109],
    ["10,000 levels", "[".repeat(10_000) + "]".repeat(10_000), 400, 50109],
    ["10,000 levels inside of a form", `{"embeds":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`, 400, 50109],
    ["a list", "[]", 400, 50035],
    ["null", "null", 400, 50035],
    ["too large", JSON.stringify({ content: "x".repeat(1024 * 1024) }), 413, 40005],
  ])("%s", async (_what, body, status, code) => {
    const asked = fleet.router.seen.length;
    const answer = await fleet.ask("POST", path, { body });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(fleet.router.seen.length).toBe(asked);
  });

  test.each([
    ["text/plain", "hello"],
    ["application/jsonp", "{}"],
    ["application/x-www-form-urlencoded", "content=hello"],
    ["multipart/form-data; boundary=x", "--x--"],
    ["", "{}"],
  ])("the type %j is refused", async (type, body) => {
    const answer = await fleet.ask("POST", path, { body, headers: { "content-type": type } });
    expect([answer.status, answer.json.code]).toEqual([400, 50035]);
    expect(answer.json.errors._errors[0].code).toBe("CONTENT_TYPE_INVALID");
  });

  test("file uploads are refused in words", async () => {
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const answer = await fleet.ask("POST", path, { body: "--x--", headers });
    expect(answer.json.errors._errors[0].message).toContain("File uploads are not available");
  });

  test("a charset of the request does no harm", async () => {
    const headers = { "content-type": "application/json; charset=utf-8" };
    expect((await fleet.ask("POST", path, { body: { content: "x" }, headers })).status).toBe(200);
  });

  test("a route that takes none ignores it, whatever it is", async () => {
    fleet.router.onCommand = () => ({ status: 204, json: Buffer.alloc(0) });
    const headers = { "content-type": "text/plain" };
    const answer = await fleet.ask("DELETE", "/channels/1/messages/2", { body: "{", headers });
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([204, "", undefined]);
    fleet.router.onCommand = () => ({});
  });

  test("an empty body of an invite is a body", async () => {
    expect((await fleet.ask("POST", "/channels/1/invites")).status).toBe(200);
    const headers = { "content-type": "application/json" };
    expect((await fleet.ask("POST", "/channels/1/invites", { headers })).status).toBe(200);
  });
});
