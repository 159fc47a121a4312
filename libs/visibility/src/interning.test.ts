import { describe, expect, test } from "@jest/globals";
import { makeViewTable } from "./interning.ts";
import { packWords, placeOf } from "./view.ts";

function setUp() {
  const table = makeViewTable();
  for (const id of [10n, 11n, 12n]) placeOf(table.layout(), id);
  return table;
}

describe("makeViewTable", () => {
  test("gives one view for equal contents until its last holder releases it", () => {
    const table = setUp();
    const view = table.hold(1n, [1024n, 0n, 2048n]);
    expect(table.hold(1n, [1024n, 0n, 2048n])).toBe(view);
    expect(table.hold(2n, [1024n, 0n, 2048n])).not.toBe(view);
    expect(table.hold(1n, [2048n, 0n, 1024n])).not.toBe(view);
    table.release(view);
    expect(table.hold(1n, [1024n, 0n, 2048n, 0n])).toBe(view);
    table.release(view);
    table.release(view);
    expect(table.hold(1n, [1024n, 0n, 2048n])).not.toBe(view);
  });

  test("keeps views the same objects with the same contents over another layout", () => {
    const table = setUp();
    const view = table.hold(1n, [1024n, 0n, 1025n]);
    table.relayout([12n, 10n]);
    expect([10n, 11n, 12n].map((id) => view.permissionsIn(id))).toEqual([1024n, 0n, 1025n]);
    expect(view.visibleChannels()).toEqual([10n, 12n]);
    expect(table.hold(1n, [1025n, 1024n])).toBe(view);
  });
});

describe("PackedView", () => {
  test("tells its contents from others of the same shape", () => {
    const view = setUp().hold(1n, [1024n, 0n, 1025n]);
    expect(view.holds(1n, packWords([1024n, 0n, 1025n]))).toBe(true);
    const others = [[1024n, 1025n, 0n], [1024n, 1025n, 1025n], [1025n, 0n, 1024n], [1024n, 0n, 1026n], [1024n]];
    expect(others.map((words) => view.holds(1n, packWords(words)))).toEqual(Array(5).fill(false));
    expect(view.holds(2n, packWords([1024n, 0n, 1025n]))).toBe(false);
  });

  test("keeps more than 256 different words apart", () => {
    const table = makeViewTable();
    const words = Array.from({ length: 400 }, (_, place) => 1024n | (BigInt(place) << 20n));
    for (let id = 0n; id < 400n; id++) placeOf(table.layout(), id);
    const view = table.hold(1n, words);
    expect(view.unpacked()).toEqual(words);
  });
});
