import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { setStage } from "../src/stage.ts";
import { type SentSpan, startTraceSink } from "../src/trace-sink.ts";

test("one trace goes from the client that sends to the gateways that hand on", async () => {
  await using sink = await startTraceSink();
  const before = { ...process.env };
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: "100" });
  await using stage = await setStage().finally(() => {
    process.env = before;
  });
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
