import { isGuildhallError } from "@guildhall/errors";
import { describe, expect, test } from "@jest/globals";
import { jsonString, parseJson } from "./index.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isGuildhallError(error) ? error.code : "another error";
  }
  return "no error";
}

describe("parseJson", () => {
  test.each([
    ["1234567890123456789", 1234567890123456789n],
    ["-9007199254740993", -9007199254740993n],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["18446744073709551615", 18446744073709551615n],
    ["1234567890123456789.5", Number("1234567890123456789.5")],
    ["12345678901234567e3", 12345678901234567e3],
    ["0.12345678901234567", Number("0.12345678901234567")],
  ])("keeps the number %s exact where it is an integer", (text, value) => {
    expect(parseJson(text)).toBe(value);
  });

  test("finds big integers at any depth, and leaves strings of digits strings", () => {
    const text = '{"a":[{"id":1100000000000000001}],"id":"1100000000000000001","n":1}';
    expect(parseJson(text)).toEqual({ a: [{ id: 1100000000000000001n }], id: "1100000000000000001", n: 1 });
  });

  test.each(["", "{", "[1,]", "{'a':1}", "nul", '"open', '"open\\"', "01", "1 2", "\ufeff1", "]", "[1}"])(
    "refuses %j as MALFORMED_JSON",
    (text) => {
      expect(codeOf(() => parseJson(text))).toBe("MALFORMED_JSON");
    },
  );

  test("refuses nesting deeper than the limit before it parses, and takes the limit itself", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(codeOf(() => parseJson(nested(128)))).toBe("no error");
    expect(codeOf(() => parseJson(nested(129)))).toBe("MALFORMED_JSON");
    expect(codeOf(() => parseJson("[".repeat(5_000_000)))).toBe("MALFORMED_JSON");
    expect(codeOf(() => parseJson('{"a":[1]}', { maxDepth: 1 }))).toBe("MALFORMED_JSON");
    expect(codeOf(() => parseJson("[[],[],{}]", { maxDepth: 2 }))).toBe("no error");
  });

  test.each(['"[[[["', '"\\"[[[["', '"\\\\"', '["\\\\","[[[["]', '"{\\\\\\"[[["'])(
    "does not count brackets inside the string %s",
    (text) => {
      expect(parseJson(text, { maxDepth: 1 })).toEqual(JSON.parse(text));
    },
  );

  test.each([
    '{"__proto__":{"admin":true},"a":1}',
    '{"\\u005f_proto__":{"admin":true},"a":1}',
    '{"__prot\\u006F__":1,"a":1}',
  ])("drops the prototype key of %s", (text) => {
    const value = parseJson(text) as { admin?: boolean };
    expect(Object.keys(value)).toEqual(["a"]);
    expect(Object.assign({}, value).admin).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.getPrototypeOf(JSON.parse("{}")));
  });

  test("refuses an integer so long that making it would take long", () => {
    expect(codeOf(() => parseJson("9".repeat(1_000)))).toBe("no error");
    expect(codeOf(() => parseJson("9".repeat(1_001)))).toBe("MALFORMED_JSON");
  });
});

describe("jsonString", () => {
  test.each(["plain", 'quote " and \\', "line\nfeed", "\ud800", "é😀", ""])(
    "gives text that parses back to %j",
    (value) => {
      expect(parseJson(jsonString(value))).toBe(value);
    },
  );
});
