import { expect, test } from "@jest/globals";
import { keepTogether } from "./byte-shelf.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("joins pieces into bytes of their own", () => {
  const piece = Buffer.from("hall");
  const kept = keepTogether([Buffer.from("guild"), piece]);
  piece.fill("x");
  expect(text(kept)).toBe("guildhall");
});

test("keeps what was put there before when more is put", () => {
  const kept = Array.from({ length: 20_000 }, (_, index) => keepTogether([Buffer.from(`number ${index}`)]));
  expect(kept.every((bytes, index) => text(bytes) === `number ${index}`)).toBe(true);
  const slabs = new Set(kept.map(({ buffer }) => buffer));
  expect([...slabs].every(({ byteLength }) => byteLength <= 64 * 1024)).toBe(true);
  expect(slabs.size).toBeLessThan(8);
});

test("gives large bytes a place of exactly their size", () => {
  const kept = keepTogether([new Uint8Array(100_000)]);
  expect([kept.length, kept.buffer.byteLength]).toEqual([100_000, 100_000]);
});
