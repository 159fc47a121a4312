import { expect, test } from "@jest/globals";
import {
  address,
  addresses,
  bool,
  dir,
  durationMs,
  int,
  list,
  oneOf,
  port,
  processSettings,
  readConfig,
  str,
  url,
} from "./index.ts";

const table = {
  ...processSettings,
  listen: { env: "GUILDHALL_LISTEN", parse: address },
  routers: { env: "GUILDHALL_ROUTERS", parse: addresses },
  stateDir: { env: "GUILDHALL_STATE_DIR", parse: dir },
  limits: { env: "GUILDHALL_RATE_LIMITS", parse: oneOf(["Standard", "Off"]), default: "Standard" },
  windowMs: { env: "GUILDHALL_RESUME_WINDOW_MS", parse: durationMs, default: 120_000 },
} as const;

const env = {
  GUILDHALL_NAME: "guild-0",
  GUILDHALL_LISTEN: "unix:/run/guild-0.sock",
  GUILDHALL_ROUTERS: "unix:/run/router-0.sock, router-1:7000",
  GUILDHALL_STATE_DIR: "/var/lib/guildhall",
};

test("reads every setting, typed, with defaults, frozen", () => {
  const config = readConfig(table, { ...env, GUILDHALL_RESUME_WINDOW_MS: "5000", GUILDHALL_LOG_LEVEL: "" });
  const limits: "Standard" | "Off" = config.limits;
  const routers: readonly string[] = config.routers;
  const endpoint: string | undefined = config.otlpEndpoint;
  expect({ ...config, limits, routers, endpoint }).toEqual({
    name: "guild-0",
    metricsHost: "127.0.0.1",
    metricsPort: 0,
    logLevel: "info",
    logFormat: "json",
    otlpEndpoint: undefined,
    endpoint: undefined,
    listen: "unix:/run/guild-0.sock",
    routers: ["unix:/run/router-0.sock", "router-1:7000"],
    stateDir: "/var/lib/guildhall",
    limits: "Standard",
    windowMs: 5_000,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test("all failures come in one error that names each variable", () => {
  const broken = { ...env, GUILDHALL_LISTEN: "unix:run", GUILDHALL_STATE_DIR: "", GUILDHALL_METRICS_PORT: "70000" };
  const read = () => readConfig(table, broken);
  expect(read).toThrow(expect.objectContaining({ code: "BAD_CONFIG" }));
  expect(read).toThrow(
    expect.objectContaining({
      fields: [
        {
          path: ["GUILDHALL_METRICS_PORT"],
          code: "BAD_CONFIG",
          message: 'must be a whole number from 0 to 65535, not "70000"',
        },
        {
          path: ["GUILDHALL_LISTEN"],
          code: "BAD_CONFIG",
          message: 'must be host:port or unix:/absolute/path, not "unix:run"',
        },
        { path: ["GUILDHALL_STATE_DIR"], code: "BAD_CONFIG", message: "is not set" },
      ],
    }),
  );
});

test.each([
  ["str", str, "a b", "a b"],
  ["int", int({ min: -5, max: 5 }), "-5", -5],
  ["port", port, "65535", 65_535],
  ["durationMs", durationMs, "41250", 41_250],
  ["oneOf", oneOf(["Low", "Standard"]), "Low", "Low"],
  ["bool", bool, "false", false],
  ["list", list, "guild-0,guild-1", ["guild-0", "guild-1"]],
  ["address", address, "[::1]:7000", "[::1]:7000"],
  ["url", url(["ws", "wss"]), "wss://gateway.example.org/", "wss://gateway.example.org"],
  ["dir", dir, "/tmp", "/tmp"],
] as const)("%s reads what it should", (_name, parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

test.each([
  ["int below", int({ min: 1, max: 5 }), "0"],
  ["int with a fraction", int({ min: 1, max: 5 }), "1.5"],
  ["int of no digits", int({ min: 0, max: 5 }), "0x1"],
  ["durationMs of nothing", durationMs, "0"],
  ["oneOf another word", oneOf(["Low"]), "low"],
  ["bool of a number", bool, "1"],
  ["list with a hole", list, "a,,b"],
  ["address without a port", address, "localhost"],
  ["address with a port too high", address, "localhost:99999"],
  ["url of another scheme", url(["http"]), "ftp://example.org"],
  ["url that is none", url(["http"]), "example.org"],
  ["dir that is relative", dir, "state"],
] as const)("%s is refused", (_name, parse, text) => {
  expect(() => parse(text)).toThrow(text);
});
