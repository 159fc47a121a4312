import type { EpochRow, MapUpdate } from "@guildhall/slots";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeFleet } from "./fleet.ts";
import { hostLeaseTtlMs } from "./host-leases.ts";

const epoch = (i: number, number: number, host: string, incarnation: string): EpochRow => ({
  range: { i, n: 4 },
  split: false,
  epoch: number,
  host,
  incarnation,
  moveId: `m${number}`,
});
const renewal = (host: string, incarnation: string, owned: EpochRow[] = []) => ({
  host,
  address: `unix:/run/${host}.sock`,
  incarnation,
  owned,
});

function start({
  map = { version: 0, entries: [] } as MapUpdate,
  rows = [] as EpochRow[],
  hosts = ["guild-0", "guild-1"],
} = {}) {
  const time = makeManualTime();
  let ids = 0;
  const fleet = makeFleet({ clock: time.clock, newId: () => `order-${++ids}`, shards: 4, hosts, map });
  fleet.learnEpochs(rows);
  const ordered = (host: string, incarnation: string, owned: EpochRow[] = []) =>
    fleet.renew(renewal(host, incarnation, owned)).map(({ range, fromIncarnation }) => [range.i, fromIncarnation]);
  return { time, fleet, ordered };
}

test("assigns shard i to host i mod hosts, the same at every renewal, and nothing to a host it does not know", () => {
  const { ordered } = start();
  expect(ordered("guild-0", "a")).toEqual([
    [0, ""],
    [2, ""],
  ]);
  expect(ordered("guild-1", "a")).toEqual([
    [1, ""],
    [3, ""],
  ]);
  expect(ordered("guild-0", "a")).toEqual([
    [0, ""],
    [2, ""],
  ]);
  expect(ordered("guild-7", "a")).toEqual([]);
});

test("repeats an order under its one move id until it is carried out, and makes another id for another incarnation", () => {
  const { fleet } = start();
  const first = fleet.renew(renewal("guild-0", "a"));
  expect(fleet.renew(renewal("guild-0", "a"))).toEqual(first);
  const rest = fleet.renew(renewal("guild-0", "a", [epoch(0, 1, "guild-0", "a")]));
  expect(rest).toEqual([first[1]]);
  const again = fleet.renew(renewal("guild-0", "b"));
  expect(again.map(({ range, fromIncarnation }) => [range.i, fromIncarnation])).toEqual([
    [0, "a"],
    [2, ""],
  ]);
  expect(new Set([...first, ...again].map(({ moveId }) => moveId)).size).toBe(4);
});

test("orders nothing before the journal's epochs are read", () => {
  const time = makeManualTime();
  const map = { version: 0, entries: [] };
  const fleet = makeFleet({ clock: time.clock, newId: () => "x", shards: 4, hosts: ["guild-0"], map });
  expect(fleet.renew(renewal("guild-0", "a"))).toEqual([]);
  fleet.learnEpochs([]);
  expect(fleet.renew(renewal("guild-0", "a"))).toHaveLength(4);
});

test("a second incarnation of a host is ordered to take over at once; the old one is refused", () => {
  const { fleet, ordered } = start();
  ordered("guild-0", "a", [epoch(0, 1, "guild-0", "a"), epoch(2, 1, "guild-0", "a")]);
  expect(ordered("guild-0", "b")).toEqual([
    [0, "a"],
    [2, "a"],
  ]);
  expect(() => ordered("guild-0", "a")).toThrow(expect.objectContaining({ code: "FENCED" }));
  expect(ordered("guild-0", "b", [epoch(0, 2, "guild-0", "b"), epoch(2, 2, "guild-0", "b")])).toEqual([]);
  expect(() => ordered("guild-0", "a", [epoch(0, 9, "guild-0", "a")])).toThrow();
  expect(fleet.map().entries.map(({ incarnation, epoch: e }) => [incarnation, e])).toEqual([
    ["b", 2],
    ["b", 2],
  ]);
});

test("knows by the journal, too, that an incarnation has been replaced", () => {
  const { fleet, ordered } = start({ rows: [epoch(0, 1, "guild-0", "a")] });
  fleet.learnEpochs([epoch(0, 2, "guild-0", "b")]);
  expect(() => ordered("guild-0", "a")).toThrow(expect.objectContaining({ code: "FENCED" }));
  expect(ordered("guild-0", "b").map(([i]) => i)).toEqual([0, 2]);
});

test("after a restart, orders from the owners that the journal names", () => {
  const { ordered } = start({ rows: [epoch(0, 3, "guild-0", "a"), epoch(2, 5, "guild-0", "a")] });
  expect(ordered("guild-0", "a", [epoch(0, 3, "guild-0", "a"), epoch(2, 5, "guild-0", "a")])).toEqual([]);
  expect(ordered("guild-0", "b")).toEqual([
    [0, "a"],
    [2, "a"],
  ]);
});

test("takes nothing from another host while that may live: a full TTL after its renewal, and after its own start", () => {
  const { time, ordered } = start({ rows: [epoch(1, 2, "guild-0", "a"), epoch(3, 2, "guild-9", "z")] });
  time.advance(hostLeaseTtlMs - 1);
  expect(ordered("guild-1", "a")).toEqual([]);
  ordered("guild-0", "a");
  time.advance(1);
  expect(ordered("guild-1", "a")).toEqual([[3, "z"]]);
  time.advance(hostLeaseTtlMs - 2);
  expect(ordered("guild-1", "a")).toEqual([[3, "z"]]);
  time.advance(1);
  expect(ordered("guild-1", "a")).toEqual([
    [1, "a"],
    [3, "z"],
  ]);
});

test("takes from another host at once when that runs in another incarnation than the owner", () => {
  const { ordered } = start({ rows: [epoch(1, 2, "guild-0", "a")] });
  ordered("guild-0", "b");
  expect(ordered("guild-1", "a")).toEqual([
    [1, "a"],
    [3, ""],
  ]);
});

test("the map follows reports, rises only on change, keeps the highest epoch, and outlives a restart", () => {
  const { fleet, ordered } = start();
  expect(fleet.map()).toEqual({ version: 0, entries: [] });
  ordered("guild-0", "a", [epoch(0, 1, "guild-0", "a")]);
  const entry = {
    range: { i: 0, n: 4 },
    host: "guild-0",
    address: "unix:/run/guild-0.sock",
    epoch: 1,
    incarnation: "a",
  };
  expect(fleet.map()).toEqual({ version: 1, entries: [entry] });
  ordered("guild-0", "a", [epoch(0, 1, "guild-0", "a")]);
  expect(fleet.map().version).toBe(1);
  ordered("guild-0", "b", [epoch(0, 2, "guild-0", "b")]);
  expect(fleet.map()).toEqual({ version: 2, entries: [{ ...entry, epoch: 2, incarnation: "b" }] });

  const later = start({ map: fleet.map() });
  expect(later.fleet.map()).toEqual(fleet.map());
  later.ordered("guild-1", "a", [epoch(1, 1, "guild-1", "a")]);
  expect(later.fleet.map().version).toBe(3);
  expect(later.fleet.map().entries).toHaveLength(2);
});

test("refuses a journal of another number of shards", () => {
  const { fleet } = start();
  const other: EpochRow = { ...epoch(0, 1, "guild-0", "a"), range: { i: 0, n: 8 } };
  expect(() => fleet.learnEpochs([other])).toThrow("8 shards");
});

test("tells how long the oldest order has been open", () => {
  const { time, fleet, ordered } = start();
  expect(fleet.oldestOrderMs()).toBe(0);
  ordered("guild-0", "a");
  time.advance(700);
  ordered("guild-0", "a", [epoch(0, 1, "guild-0", "a")]);
  expect(fleet.oldestOrderMs()).toBe(700);
  ordered("guild-0", "a", [epoch(0, 1, "guild-0", "a"), epoch(2, 1, "guild-0", "a")]);
  expect(fleet.oldestOrderMs()).toBe(0);
});
