import { expect, test } from "@jest/globals";
import { readEmoji } from "./emoji.ts";

test.each([
  ["👍", "👍"],
  ["👍\u{fe0f}", "👍"],
  ["\u{2764}", "\u{2764}\u{fe0f}"],
  ["\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}"],
  ["1\u{20e3}", "1\u{fe0f}\u{20e3}"],
  ["\u{1f3f3}\u{200d}\u{1f308}", "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}"],
  ["✌🏽", "✌🏽"],
  ["🇩🇪", "🇩🇪"],
])("reads %j in the spelling that Unicode recommends", (text, name) => {
  expect(readEmoji(text)).toEqual({ id: 0n, name });
});

test.each([
  ["blob:1234567890123456789", "blob"],
  ["a:blob:1234567890123456789", "blob"],
  [":blob:1234567890123456789", "blob"],
])("reads the custom emoji %s", (text, name) => {
  expect(readEmoji(text)).toEqual({ id: 1234567890123456789n, name });
});

test.each([
  ...["", "1", "a", "😀😀", "🇩", "blob", "blob:", "blob:x", "x:1", ":1", "👍".repeat(100)],
  ...["blob:9223372036854775808", "blob:99999999999999999999"],
])("knows no emoji %j", (text) => {
  expect(readEmoji(text)).toBeUndefined();
});
