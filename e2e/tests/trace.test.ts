import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { register } from "../src/people.ts";
import { type Stage, setStage } from "../src/stage.ts";
import { type SentSpan, startTraceSink, type TraceSink } from "../src/trace-sink.ts";
import { Witness } from "../src/witness.ts";

let sink: TraceSink;
let stage: Stage;

beforeAll(async () => {
  sink = await startTraceSink();
  const before = { ...process.env };
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: "100" });
  try {
    stage = await setStage({ logLevel: "debug" });
  } finally {
    process.env = before;
  }
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await sink?.[Symbol.asyncDispose]();
});

test("one trace goes from the client that sends to the gateways that hand on", async () => {
  await stage.expectEvents(() => stage.post("followed"), ["MESSAGE_CREATE"]);
  const hops = ["api", "router", "guild", "data", "gateway"];
  const whole = await waitFor(() => {
    const traces = Map.groupBy(sink.spans, ({ traceId }) => traceId);
    return [...traces.values()].find(
      (spans) =>
        spans.some(({ name }) => name === "router.command") &&
        hops.every((hop) => spans.some(({ service }) => service === `guildhall-${hop}`)),
    );
  });
  const nameOf = new Map(whole.map(({ spanId, name }) => [spanId, name]));
  const chain = (span: SentSpan | undefined): string[] =>
    span === undefined ? [] : [...chain(whole.find(({ spanId }) => spanId === span.parentId)), span.name];
  expect(whole.filter(({ parentId }) => parentId === "")).toHaveLength(1);
  expect(whole.every(({ parentId }) => parentId === "" || nameOf.has(parentId))).toBe(true);
  const ends = whole.filter(({ service }) => service === "guildhall-gateway" || service === "guildhall-data");
  for (const end of ends) expect(chain(end).slice(1, 3)).toEqual(["router.command", "guild.command"]);
  expect(ends.map(({ name }) => name)).toEqual(expect.arrayContaining(["data append", "dispatch"]));
});

test("no token and no password is in the logs, not even at the debug level, nor in what is traced", async () => {
  const { rest, owner, member, bot, fleet } = stage;
  const person = await register(rest, "watched");
  const { password } = person;
  const open = rest.as(undefined);
  expect((await open.send("POST", "/auth/login", { login: person.name, password })).status).toBe(200);
  expect((await open.send("POST", "/auth/login", { login: person.name, password: `${password}!` })).status).toBe(400);
  expect((await rest.as(`${person.token}x`).send("GET", "/users/@me")).status).toBe(401);
  expect((await person.rest.send("POST", "/auth/register", { username: "", password, token: 7 })).status).toBe(400);
  const wrong = Witness.connect({ url: fleet.gateway, token: `${person.token}y`, intents: 0 });
  await expect(wrong).rejects.toThrow("4004");
  expect((await person.rest.send("POST", "/auth/logout", {})).status).toBe(204);
  const secrets = [owner, member, person].flatMap(({ token, password: own }) => [token, own]).concat(bot.token);
  const written = [...fleet.log, ...sink.spans.map((span) => JSON.stringify(span))].join("\n");
  expect(written.length).toBeGreaterThan(1_000);
  // The last part of a token is its secret.
  for (const secret of secrets) expect(written.includes(secret.split(".").at(-1) as string)).toBe(false);
});
