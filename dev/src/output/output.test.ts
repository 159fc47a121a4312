import { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import { formatEntry } from "./format.ts";
import { readLines } from "./lines.ts";
import { makeOutput } from "./output.ts";

function capture(isColored = false) {
  const written: string[] = [];
  const target = {
    written,
    writableLength: 0,
    write: (text: string) => written.push(text),
    hasColors: () => isColored,
  };
  return target;
}

test.each([
  ['{"level":30,"time":1,"pid":2,"name":"api-0","msg":"ready","port":7300}', "ready port=7300"],
  ['{"level":"warn","msg":"slow","tookMs":9,"of":{"a":1}}', 'warn slow tookMs=9 of={"a":1}'],
  [
    '{"level":50,"msg":"failed","err":{"message":"no","stack":"Error: no\\n    at x"}}',
    "error failed\nError: no\n    at x",
  ],
  ["not JSON", "not JSON"],
  ["{broken", "{broken"],
  ['{"level":30,"msg":"\\u001b[2Jcleared"}', "[2Jcleared"],
])("makes %s readable", (line, readable) => {
  expect(formatEntry(line)).toBe(readable);
});

test("prefixes every line with its process, aligned", () => {
  const target = capture();
  const output = makeOutput(target, "Text", ["api-0", "coordinator-0"]);
  output.line("api-0", "one\ntwo");
  output.line("coordinator-0", '{"level":30,"msg":"three"}');
  output.say("four", "warn");
  expect(target.written.join("")).toBe(
    "api-0         | one\napi-0         | two\ncoordinator-0 | three\nfleet         | warn four\n",
  );
});

test("colors prefixes only for a terminal", () => {
  const target = capture(true);
  makeOutput(target, "Text", ["api-0"]).line("api-0", "one");
  expect(target.written).toEqual(["\u001b[33mapi-0 |\u001b[39m one\n"]);
});

test("leaves lines as they are in Json", () => {
  const target = capture();
  makeOutput(target, "Json", ["api-0"]).line("api-0", '{"msg":"x"}');
  expect(target.written).toEqual(['{"msg":"x"}\n']);
});

test("drops and counts lines that nobody reads", () => {
  const target = capture();
  const output = makeOutput(target, "Text", ["a"]);
  target.writableLength = 2 ** 21;
  output.line("a", "lost");
  output.line("a", "lost");
  target.writableLength = 0;
  output.line("a", "seen");
  expect(target.written).toEqual(["a     | seen\n", "fleet | warn 2 lines were dropped: the output was not read\n"]);
});

test("reads lines whatever the chunks, the last one without its end, and long ones in pieces", async () => {
  const lines: string[] = [];
  const long = "x".repeat(150_000);
  const stream = Readable.from([Buffer.from("on"), Buffer.from("e\ntwo\n\n"), Buffer.from(long), Buffer.from("\nend")]);
  readLines(stream, (line) => lines.push(line));
  await new Promise((resolve) => stream.on("close", resolve));
  expect(lines.slice(0, 3)).toEqual(["one", "two", ""]);
  expect(lines.slice(3, -1).join("")).toBe(long);
  expect(lines.at(-1)).toBe("end");
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
});
