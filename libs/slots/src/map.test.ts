import { describe, expect, test } from "@jest/globals";
import { type MapEntry, makeShardMap, parseRange, rangeContains, slotCount } from "./index.ts";

function entry(range: string, host: string, epoch: number): MapEntry {
  const parsed = parseRange(range);
  if (parsed === undefined) throw new Error(`${range} is no range`);
  return { range: parsed, host, address: `${host}:1`, epoch, incarnation: `${host}-1` };
}

const halves = [entry("0/2", "a", 1), entry("1/2", "b", 1)];
const hostsOf = (entries: readonly MapEntry[]) => entries.map(({ range, host }) => `${range.i}/${range.n} ${host}`);

describe("makeShardMap", () => {
  test("knows nobody at first, and everybody of a map applied", () => {
    const map = makeShardMap();
    expect([map.version, map.entries(), map.ownerOf(3)]).toEqual([0, [], undefined]);
    expect(map.apply({ version: 4, entries: halves })).toBe(true);
    expect([map.version, map.ownerOf(2)?.host, map.ownerOf(3)?.host]).toEqual([4, "a", "b"]);
    expect(map.entries()).toEqual(halves);
  });

  test("refuses a map that is not newer", () => {
    const map = makeShardMap();
    map.apply({ version: 4, entries: halves });
    expect(map.apply({ version: 4, entries: [] })).toBe(false);
    expect(map.apply({ version: 3, entries: [] })).toBe(false);
    expect(map.entries()).toEqual(halves);
  });

  test("believes an announcement with a higher epoch for its slots alone, and none with a lower", () => {
    const map = makeShardMap();
    map.apply({ version: 1, entries: [entry("0/2", "a", 5), entry("1/2", "b", 5)] });
    expect(map.learn(entry("2/4", "c", 6))).toBe(true);
    expect([0, 2, 1].map((slot) => map.ownerOf(slot)?.host)).toEqual(["a", "c", "b"]);
    expect(hostsOf(map.entries())).toEqual(["1/2 b", "0/4 a", "2/4 c"]);
    expect(map.learn(entry("2/4", "a", 5))).toBe(false);
    expect(map.learn(entry("1/2", "d", 5))).toBe(false);
  });

  test("keeps what it learned over a newer map with a lower epoch, until the map has caught up", () => {
    const map = makeShardMap();
    map.learn(entry("0/2", "c", 3));
    map.apply({ version: 1, entries: halves });
    expect([map.ownerOf(0)?.host, map.ownerOf(1)?.host]).toEqual(["c", "b"]);
    map.apply({ version: 2, entries: [entry("0/2", "d", 4), entry("1/2", "b", 1)] });
    expect(hostsOf(map.entries())).toEqual(["0/2 d", "1/2 b"]);
  });

  test("takes a wide entry where it is higher and leaves narrow ones that are higher still", () => {
    const map = makeShardMap();
    map.apply({ version: 1, entries: [entry("0/4", "a", 2), entry("2/4", "b", 8), entry("1/2", "c", 1)] });
    expect(map.learn(entry("0/2", "d", 5))).toBe(true);
    expect(hostsOf(map.entries())).toEqual(["1/2 c", "0/4 d", "2/4 b"]);
    expect([0, 2].map((slot) => map.ownerOf(slot)?.host)).toEqual(["d", "b"]);
  });

  test("agrees with a search of all that was ever heard, after any announcements", () => {
    const map = makeShardMap();
    const heard: MapEntry[] = [];
    let state = 3;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let epoch = 1; epoch <= 300; epoch++) {
      const n = 2 ** random(6);
      const one = entry(`${random(n)}/${n}`, `h${random(5)}`, random(20) === 0 ? 1 : epoch);
      heard.push(one);
      map.learn(one);
      const slot = random(slotCount);
      const best = heard
        .filter(({ range }) => rangeContains(range, slot))
        .reduce<number>((a, b) => Math.max(a, b.epoch), 0);
      expect(map.ownerOf(slot)?.epoch ?? 0).toBe(best);
      const owners = map.entries().filter(({ range }) => rangeContains(range, slot));
      expect(owners.map((owner) => owner.epoch)).toEqual(best === 0 ? [] : [best]);
    }
  });
});
