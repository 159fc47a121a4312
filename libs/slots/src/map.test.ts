import { describe, expect, test } from "@jest/globals";
import {
  type MapDelta,
  type MapEntry,
  makeShardMap,
  parseRange,
  rangeContains,
  sameRange,
  slotCount,
  splitRange,
} from "./index.ts";

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

/** Numbers below a bound, always the same for a seed. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A fleet's history by splits and moves: all published maps, version by version. */
function makeHistory(random: (below: number) => number, steps: number): (readonly MapEntry[])[] {
  const maps = [[entry("0/2", "a", 1), entry("1/2", "b", 1)]];
  for (let step = 0; step < steps; step++) {
    const before = maps.at(-1) as MapEntry[];
    const chosen = before[random(before.length)] as MapEntry;
    const others = before.filter((other) => other !== chosen);
    const moving = { moveId: `m${step}`, toHost: "x", toAddress: "x:1" };
    const epoch = chosen.epoch + 1;
    if (random(3) === 0 && chosen.range.n < 1_024) {
      const halves = splitRange(chosen.range).map((range) => ({ ...chosen, range, epoch, moving: undefined }));
      maps.push([...others, ...halves]);
    } else if (random(2) === 0) maps.push([...others, { ...chosen, moving }]);
    else {
      const host = `h${random(5)}`;
      const next = { range: chosen.range, host, address: `${host}:1`, epoch, incarnation: `${host}-1` };
      maps.push([...others, next]);
    }
  }
  return maps;
}

/** What the coordinator would send to who has one map and is to have the other. */
const changeOf = (before: readonly MapEntry[], after: readonly MapEntry[]) => ({
  entries: after.filter((entry) => !before.includes(entry)),
  removed: before.map(({ range }) => range).filter((range) => !after.some((other) => sameRange(other.range, range))),
});
const byRange = (a: MapEntry, b: MapEntry) => a.range.n + a.range.i - (b.range.n + b.range.i);
const delta = (maps: readonly (readonly MapEntry[])[], from: number, to: number): MapDelta => ({
  fromVersion: from,
  version: to,
  ...(from === 0 ? { entries: maps[to - 1] ?? [], removed: [] } : changeOf(maps[from - 1] ?? [], maps[to - 1] ?? [])),
});

describe("applyDelta", () => {
  test("turns one published map into the other, by what changed over any number of versions", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = makeRandom(seed);
      const maps = makeHistory(random, 40);
      const map = makeShardMap();
      let version = 0;
      while (version < maps.length) {
        const to = version + 1 + random(Math.min(5, maps.length - version));
        expect(map.applyDelta(delta(maps, version, to))).toBe("applied");
        expect(map.entries()).toEqual([...(maps[to - 1] as MapEntry[])].sort(byRange));
        version = to;
      }
    }
  });

  test("refuses what is not newer, and what changes another version than it has", () => {
    const maps = makeHistory(makeRandom(7), 9);
    const map = makeShardMap();
    expect(map.applyDelta(delta(maps, 2, 3))).toBe("gap");
    expect(map.applyDelta(delta(maps, 0, 4))).toBe("applied");
    expect(map.applyDelta(delta(maps, 0, 4))).toBe("old");
    expect(map.applyDelta(delta(maps, 3, 4))).toBe("old");
    expect(map.applyDelta(delta(maps, 3, 6))).toBe("gap");
    expect(map.applyDelta(delta(maps, 5, 7))).toBe("gap");
    expect([map.version, map.entries()]).toEqual([4, [...(maps[3] as MapEntry[])].sort(byRange)]);
    expect(map.applyDelta(delta(maps, 4, 9))).toBe("applied");
  });

  test("any mix of maps, changes and announcements, in any order, ends at the highest epochs and never goes back", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = makeRandom(seed * 7_919);
      const maps = makeHistory(random, 60);
      const map = makeShardMap();
      const slots = Array.from({ length: 20 }, () => random(slotCount));
      const best = new Map(slots.map((slot) => [slot, 0]));
      const known = () => slots.map((slot) => map.ownerOf(slot)?.epoch ?? 0);
      for (let step = 0; step < 80; step++) {
        const before = known();
        const to = 1 + random(maps.length);
        const told: MapEntry[] = [];
        if (random(2) === 0) {
          const published = maps[to - 1] as MapEntry[];
          told.push(published[random(published.length)] as MapEntry);
          map.learn(told[0] as MapEntry);
        } else {
          const from = random(3) === 0 ? 0 : Math.min(map.version, to - 1);
          if (map.applyDelta(delta(maps, from, to)) === "applied") told.push(...(maps[to - 1] as MapEntry[]));
        }
        for (const slot of slots) {
          const epoch = told.find(({ range }) => rangeContains(range, slot))?.epoch ?? 0;
          best.set(slot, Math.max(best.get(slot) ?? 0, epoch));
        }
        expect(known().some((epoch, index) => epoch < (before[index] ?? 0))).toBe(false);
        expect(known()).toEqual(slots.map((slot) => best.get(slot)));
        const entries = map.entries();
        const owners = slots.map((slot) => entries.filter(({ range }) => rangeContains(range, slot)));
        expect(owners.map((each) => each.map(({ epoch }) => epoch))).toEqual(
          slots.map((slot) => [best.get(slot)].filter((epoch) => epoch !== 0)),
        );
      }
    }
  });

  test("keeps what an earlier map said with a higher epoch than a newer one", () => {
    const map = makeShardMap();
    map.apply({ version: 1, entries: [entry("0/2", "a", 5), entry("1/2", "b", 5)] });
    map.apply({ version: 2, entries: [entry("0/2", "c", 4), entry("1/2", "c", 6)] });
    expect(hostsOf(map.entries())).toEqual(["0/2 a", "1/2 c"]);
  });

  test("shows a move that is under way, and that it is over", () => {
    const map = makeShardMap();
    const moving = { moveId: "m", toHost: "b", toAddress: "b:1" };
    map.apply({ version: 1, entries: halves });
    const [low] = halves as [MapEntry, MapEntry];
    map.applyDelta({ fromVersion: 1, version: 2, entries: [{ ...low, moving }], removed: [] });
    expect(map.ownerOf(2)?.moving).toEqual(moving);
    map.applyDelta({ fromVersion: 2, version: 3, entries: [low], removed: [] });
    expect(map.ownerOf(2)?.moving).toBeUndefined();
  });
});

describe("guards", () => {
  test("without mapVersion an older map is taken", () => {
    const map = makeShardMap({ mapVersion: false, highestEpoch: false });
    map.apply({ version: 4, entries: [entry("0/1", "b", 2)] });
    expect(map.apply({ version: 3, entries: [entry("0/1", "a", 1)] })).toBe(true);
    expect([map.version, map.ownerOf(0)?.host]).toEqual([3, "a"]);
  });

  test("without highestEpoch the last one heard of is believed, narrow or wide", () => {
    const map = makeShardMap({ mapVersion: true, highestEpoch: false });
    map.apply({ version: 1, entries: halves });
    expect(map.learn(entry("0/4", "c", 3))).toBe(true);
    expect(map.learn(entry("0/2", "d", 2))).toBe(true);
    expect([map.ownerOf(0)?.host, map.ownerOf(2)?.host]).toEqual(["d", "d"]);
    map.apply({ version: 2, entries: halves });
    expect(hostsOf(map.entries())).toEqual(["0/2 a", "1/2 b"]);
  });
});
