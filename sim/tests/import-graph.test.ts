import { expect, test } from "@jest/globals";
import { hasCode, impuritiesOf, readImportGraph, sourcesOf } from "./import-graph.ts";

const entry = "sim/src/run/run-seed.ts";
const graph = readImportGraph(entry);
// The engine's barrier between two events, and the runner's ear for rejections that nobody hears.
const allowed = ["sim/src/engine/engine.ts: real timers"];

test("the simulation reaches every module in which coordinator, host, router and gateway decide", () => {
  const decisions = sourcesOf(
    "services/coordinator/src/domain/**/*.ts",
    "services/guild/src/domain/**/*.ts",
    "services/router/src/domain/**/*.ts",
    "services/gateway/src/{core,domain,log,session,topics}/**/*.ts",
  );
  const others = [
    // Helpers of tests.
    "services/guild/src/domain/journal/manual-log.ts",
    // Of real sockets: when one that says nothing is closed.
    "services/gateway/src/domain/deadline-wheel.ts",
  ];
  const isReached = (file: string): boolean => (hasCode(file) ? graph.modules.has(file) : graph.named.has(file));
  const missed = decisions.filter((file) => !isReached(file) && !others.includes(file));
  expect(missed).toEqual([]);
  expect(decisions.length).toBeGreaterThan(80);
});

test("nothing that it reaches reads a clock, waits for a real timer, or lets chance in that no seed decides", () => {
  const impure = [...graph.modules].filter((file) => file.endsWith(".ts")).flatMap(impuritiesOf);
  expect(impure.filter((found) => !allowed.includes(found))).toEqual([]);
});

test("nothing that it reaches opens a socket or a file", () => {
  const foreign = [...graph.foreign.keys()].sort();
  const pure = ["@bufbuild/protobuf/wire", "lru-cache", "node:buffer", "node:crypto", "node:zlib"];
  // The generated messages name their services, too; what calls those is not reached.
  const grpcUsers = graph.foreign.get("@grpc/grpc-js") ?? [];
  expect(grpcUsers.filter((file) => !file.startsWith("libs/proto/src/gen/"))).toEqual([]);
  expect(foreign.filter((name) => !pure.includes(name) && name !== "@grpc/grpc-js")).toEqual([]);
});
