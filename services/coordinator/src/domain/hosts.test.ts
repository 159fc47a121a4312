import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { hostLeaseTtlMs, makeHosts, type Renewal } from "./hosts.ts";
import type { HostRow } from "./kept.ts";

const renewal = (host: string, incarnation: string, change: Partial<Renewal> = {}): Renewal => ({
  host,
  address: `${host}:1`,
  incarnation,
  shards: [],
  outcomes: [],
  cpuShare: 0,
  memoryBytes: 0,
  journalP99Ms: 0,
  version: "1",
  ...change,
});
const row = (epoch: number) => ({
  range: { i: 0, n: 2 },
  row: { range: { i: 0, n: 2 }, split: false, epoch, host: "a", incarnation: "a1", moveId: "m" },
});
const start = (rows: HostRow[] = []) => {
  const time = makeManualTime();
  const kept: string[] = [];
  const hosts = makeHosts(time.clock, rows, ({ name, incarnation, replaced }) =>
    kept.push(`${name} ${incarnation} after ${replaced.join()}`),
  );
  return { time, hosts, kept };
};
const a1 = { host: "a", incarnation: "a1" };

test("holds a lease for a full TTL after each renewal, by the monotonic clock", () => {
  const { time, hosts } = start();
  hosts.renew(renewal("a", "a1"));
  time.advance(hostLeaseTtlMs - 1);
  expect([hosts.isCurrent(a1), hosts.mayLive(a1), hosts.alive().length]).toEqual([true, true, 1]);
  time.advance(1);
  expect([hosts.isCurrent(a1), hosts.mayLive(a1), hosts.alive().length]).toEqual([false, false, 0]);
  hosts.renew(renewal("a", "a1"));
  expect(hosts.isCurrent(a1)).toBe(true);
});

test("holds a host that it has not heard of for alive until a TTL after its own start, or after it slept", () => {
  const { time, hosts } = start();
  time.advance(hostLeaseTtlMs - 1);
  expect([hosts.isCurrent(a1), hosts.mayLive(a1)]).toEqual([false, true]);
  time.advance(1);
  expect(hosts.mayLive(a1)).toBe(false);
  hosts.slept();
  expect(hosts.mayLive(a1)).toBe(true);
  time.advance(hostLeaseTtlMs);
  expect(hosts.mayLive(a1)).toBe(false);
});

test("refuses incarnations that others came after, by their renewals or by the journal, also over a restart", () => {
  const { hosts, kept } = start();
  hosts.renew(renewal("a", "a1"));
  expect(hosts.renew(renewal("a", "a2"))).toBe("news");
  expect(hosts.renew(renewal("a", "a1"))).toBe("refused");
  expect([hosts.isReplaced(a1), hosts.mayLive(a1)]).toEqual([true, false]);
  hosts.replaced({ host: "a", incarnation: "a2" }, "a3");
  expect(hosts.renew(renewal("a", "a2"))).toBe("refused");
  expect(kept).toEqual(["a a1 after ", "a a2 after a1", "a a3 after a1,a2"]);

  const later = start([{ name: "a", incarnation: "a3", replaced: ["a1", "a2"] }]).hosts;
  expect(later.renew(renewal("a", "a1"))).toBe("refused");
  expect(later.mayLive({ host: "a", incarnation: "a3" })).toBe(true);
  expect(later.renew(renewal("a", "a4"))).toBe("news");
  expect(later.isReplaced({ host: "a", incarnation: "a3" })).toBe(true);
});

test("tells whether a renewal says anything new", () => {
  const { time, hosts } = start();
  expect(hosts.renew(renewal("a", "a1", { shards: [row(1)] }))).toBe("news");
  expect(hosts.renew(renewal("a", "a1", { shards: [row(1)] }))).toBe("same");
  expect(hosts.renew(renewal("a", "a1", { shards: [row(2)] }))).toBe("news");
  expect(hosts.renew(renewal("a", "a1"))).toBe("news");
  expect(hosts.renew(renewal("a", "a1", { version: "2" }))).toBe("news");
  time.advance(hostLeaseTtlMs);
  expect(hosts.renew(renewal("a", "a1", { version: "2" }))).toBe("news");
});

test("knows what the current incarnation serves, by the very EPOCH", () => {
  const { hosts } = start();
  hosts.renew(renewal("a", "a1", { shards: [row(3)] }));
  const shard = (epoch: number, incarnation = "a1") => ({ key: "0/2", row: { ...row(epoch).row, incarnation } });
  expect([shard(3), shard(4), shard(3, "a0")].map((one) => hosts.serves(one))).toEqual([true, false, false]);
  expect(hosts.serves({ key: "0/2", row: undefined })).toBe(false);
});

test("remembers a bounded number of hosts", () => {
  const { hosts } = start();
  for (let n = 0; n < 4_096; n++) hosts.renew(renewal(`h${n}`, "x"));
  expect(hosts.renew(renewal("one too many", "x"))).toBe("refused");
  expect(hosts.renew(renewal("h7", "x"))).toBe("same");
});
