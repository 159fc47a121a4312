import { expect, test } from "@jest/globals";
import { clientFrame } from "../load/client-frame.ts";
import { FrameCounter } from "../load/frame-counter.ts";
import { parseMetricsPage, quantileBetween, sumOf } from "./metrics-page.ts";
import { bytesOf, cpuSecondsOf } from "./proc.ts";
import { atLeast, atMost, holds, medianOfRuns, renderFigures } from "./report.ts";
import { median, percentile } from "./statistics.ts";

function serverFrame(payloadBytes: number): Buffer {
  const payload = Buffer.alloc(payloadBytes, 0x78);
  if (payloadBytes < 126) return Buffer.concat([Buffer.from([0x81, payloadBytes]), payload]);
  if (payloadBytes < 65_536) {
    return Buffer.concat([Buffer.from([0x81, 126, payloadBytes >> 8, payloadBytes & 255]), payload]);
  }
  const header = Buffer.alloc(10);
  header[0] = 0x81;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(payloadBytes), 2);
  return Buffer.concat([header, payload]);
}

test.each([1, 2, 3, 7, 1000, 100_000])("counts frames of every length in chunks of %i bytes", (chunkBytes) => {
  const stream = Buffer.concat([0, 1, 125, 126, 5000, 70_000].map(serverFrame));
  const counter = new FrameCounter();
  for (let at = 0; at < stream.length; at += chunkBytes) counter.take(stream.subarray(at, at + chunkBytes));
  expect({ frames: counter.frames, bytes: counter.bytes }).toEqual({ frames: 6, bytes: stream.length });
});

test("client frames are masked, short and long", () => {
  expect(clientFrame("hi").subarray(0, 2)).toEqual(Buffer.from([0x81, 0x82]));
  expect(clientFrame("x".repeat(300)).subarray(0, 4)).toEqual(Buffer.from([0x81, 0xfe, 1, 44]));
});

test("percentiles and medians", () => {
  expect(percentile([5, 1, 3, 2, 4], 0.5)).toBe(3);
  expect(percentile([5, 1, 3, 2, 4], 0.99)).toBe(5);
  expect(percentile([], 0.5)).toBeNaN();
  expect(median([4, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("reads CPU time of a process whose name holds brackets", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0";
  expect(cpuSecondsOf(stat)).toBe(3);
});

test("reads memory fields in bytes", () => {
  expect(bytesOf("Rss:  2048 kB\nPss:   1024 kB\nPss_Anon: 1 kB\n", "Pss")).toBe(1024 * 1024);
});

test("adds a metric over its labels and finds a quantile of what came between", () => {
  const before = parseMetricsPage('h_bucket{le="0.001"} 10\nh_bucket{le="0.01"} 10\nh_bucket{le="+Inf"} 10\n');
  const after = parseMetricsPage(
    'a{x="1"} 1\na{x="2"} 2\nh_bucket{le="0.001"} 10\nh_bucket{le="0.01"} 30\nh_bucket{le="+Inf"} 30\n',
  );
  expect(sumOf(after, "a")).toBe(3);
  expect(quantileBetween(before, after, "h", 0.5)).toBeCloseTo(0.0055);
  expect(quantileBetween(after, after, "h", 0.5)).toBeNaN();
});

test("shows whether bounds hold, and the median of runs", () => {
  expect([holds(1, atLeast(1)), holds(2, atMost(1))]).toEqual([true, false]);
  const run = (value: number) => [{ name: "speed", value, unit: "x", target: atLeast(2) }];
  const figures = medianOfRuns([run(1), run(3), run(9)]);
  expect(figures).toMatchObject([{ value: 3 }]);
  expect(renderFigures("t", figures)).toContain("≥ 2.00 met");
});
