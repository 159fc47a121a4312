import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createTelemetry, parseTraceparent, type Telemetry, type TelemetryOptions } from "./index.ts";

let stack: AsyncDisposableStack;
let lines: Record<string, unknown>[];

beforeEach(() => {
  stack = new AsyncDisposableStack();
  lines = [];
});
afterEach(() => stack.disposeAsync());

async function start(options: Partial<TelemetryOptions> = {}): Promise<Telemetry> {
  const logDestination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return stack.use(await createTelemetry({ service: "guild", name: "guild-0", logDestination, ...options }));
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("log lines say who wrote them, hide secrets at any depth, and write ids as text", async () => {
  const { log } = await start();
  log
    .child({ shard: 3 })
    .info({ token: "s3cret", request: { headers: { authorization: "Bot x" } }, guildId: 5n }, "hello");
  log.debug({}, "not at this level");
  log.warn("nothing of the line before");
  expect(lines.pop()).toEqual({
    level: "warn",
    time: expect.any(String),
    service: "guild",
    name: "guild-0",
    msg: "nothing of the line before",
  });
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.any(String),
      service: "guild",
      name: "guild-0",
      shard: 3,
      token: "[redacted]",
      request: { headers: { authorization: "[redacted]" } },
      guildId: "5",
      msg: "hello",
    },
  ]);
});

test("an error is logged with its type, message and code", async () => {
  const { log } = await start();
  log.error({ err: Object.assign(new Error("broken"), { code: "INTERNAL" }) }, "failed");
  expect(lines[0]).toMatchObject({ level: "error", err: { message: "broken", code: "INTERNAL" } });
});

test("metrics are named after the service, shared by name, and served as Prometheus text", async () => {
  const { metrics, metricsUrl } = await start();
  metrics.counter("appends_total", "Appends.", ["outcome"]).inc({ outcome: "stored" }, 2);
  metrics.counter("appends_total", "Appends.", ["outcome"]).inc({ outcome: "stored" });
  metrics.gauge("guildhall_rpc_pending", "Pending.").set(4);
  metrics.histogram("commit_seconds", "Commits.", { buckets: [0.1, 1] }).observe(0.5);
  const seen: string[] = [];
  metrics.beforeRead(() => seen.push("read"));
  const response = await fetch(metricsUrl);
  const text = await response.text();
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(text).toContain('guildhall_guild_appends_total{outcome="stored"} 3\n');
  expect(text).toContain("guildhall_rpc_pending 4\n");
  expect(text).toContain('guildhall_guild_commit_seconds_bucket{le="1"} 1\n');
  expect(text).toMatch(/^guildhall_process_resident_bytes \d+$/m);
  expect(text).toMatch(/^guildhall_process_cpu_seconds_total\{mode="user"\} [\d.e-]+$/m);
  expect(seen).toEqual(["read"]);
});

test("probes: alive at once, ready only when said, and then as long as the check agrees", async () => {
  const telemetry = await start();
  const probe = async (path: string, method = "GET") => {
    const response = await fetch(`${telemetry.url}${path}`, { method });
    return [response.status, response.headers.get("content-type"), await response.json()];
  };
  expect(await probe("/healthz")).toEqual([200, "application/json", { status: "ok" }]);
  expect(await probe("/readyz")).toEqual([
    503,
    "application/json",
    { status: "not ready", failing: { service: "starting" } },
  ]);
  const failing: Record<string, string> = {};
  telemetry.setReady(() => failing);
  expect(await probe("/readyz")).toEqual([200, "application/json", { status: "ready" }]);
  failing.journal = "unreachable";
  expect(await probe("/readyz")).toEqual([
    503,
    "application/json",
    { status: "not ready", failing: { journal: "unreachable" } },
  ]);
  telemetry.setReady(() => true);
  expect(await probe("/readyz?verbose")).toEqual([200, "application/json", { status: "ready" }]);
  telemetry.setReady(
    () => true,
    () => ({ journal: "was salvaged" }),
  );
  expect(await probe("/readyz")).toEqual([
    200,
    "application/json",
    { status: "ready", notes: { journal: "was salvaged" } },
  ]);
  expect((await probe("/secret"))[0]).toBe(404);
  expect((await probe("/metrics", "POST"))[0]).toBe(405);
});

test("without an exporter a traceparent goes on as it came, and a new one is made where there is none", async () => {
  const { startSpan, withTraceparent, currentTraceparent, log } = await start();
  expect(startSpan("submit", traceparent).traceparent).toBe(traceparent);
  const made = startSpan("submit").traceparent;
  expect(parseTraceparent(made)).toMatchObject({ sampled: false });
  expect(startSpan("submit").traceparent).not.toBe(made);
  const within = await withTraceparent(traceparent, async () => {
    await null;
    log.info("inside");
    return [currentTraceparent(), startSpan("child").traceparent];
  });
  expect(within).toEqual([traceparent, traceparent]);
  expect(currentTraceparent()).toBe("");
  expect(lines[0]).toMatchObject({ trace_id: "0af7651916cd43dd8448eb211c80319c", msg: "inside" });
});

test("with an exporter, spans below a sampled parent are recorded and sent", async () => {
  const received: { path: string | undefined; bytes: number }[] = [];
  const collector = createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => {
      received.push({ path: request.url, bytes });
      response.setHeader("Content-Type", "application/x-protobuf").end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void collector.close());
  const { port } = collector.address() as AddressInfo;
  const telemetry = await start({ otlpEndpoint: `http://127.0.0.1:${port}/` });
  const span = telemetry.startSpan("submit", traceparent);
  const { traceId, spanId, sampled } = parseTraceparent(span.traceparent) ?? {};
  expect({ traceId, sampled }).toEqual({ traceId: "0af7651916cd43dd8448eb211c80319c", sampled: true });
  expect(spanId).not.toBe("b7ad6b7169203331");
  span.setAttribute("topic", "5");
  span.recordError(new Error("broken"));
  span.end();
  await telemetry[Symbol.asyncDispose]();
  expect(received).toEqual([{ path: "/v1/traces", bytes: expect.any(Number) }]);
});

test.each([
  ["", undefined],
  ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", undefined],
  ["00-00000000000000000000000000000000-b7ad6b7169203331-01", undefined],
  ["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", undefined],
  ["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", undefined],
  ["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", undefined],
  [`${traceparent}-more`, undefined],
  [`01${traceparent.slice(2)}-more`, true],
  [traceparent, true],
  [`${traceparent.slice(0, -1)}0`, false],
])("traceparent %p", (text, sampled) => {
  expect(parseTraceparent(text)?.sampled).toBe(sampled);
});
