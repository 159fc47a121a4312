import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeWorkerLeases, type WorkerRow, workerIdCount, workerLeaseTtlMs, workerRestMs } from "./worker-leases.ts";

const ask = (incarnation: string, workerId?: number, highestTimeMs = 0) => ({
  process: incarnation.split("/")[0] ?? "",
  incarnation,
  highestTimeMs,
  ...(workerId === undefined ? {} : { workerId }),
});
const codeOf = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

function start(rows: readonly WorkerRow[] = []) {
  const time = makeManualTime();
  const kept: WorkerRow[] = [];
  return { time, leases: makeWorkerLeases({ clock: time.clock, rows, keep: (row) => kept.push(row) }), kept };
}

test("gives every incarnation bits of its own, and the same ones when it asks again", () => {
  const { leases } = start();
  expect([leases.lease(ask("api-0/a")), leases.lease(ask("guild-0/a")), leases.lease(ask("api-0/b"))]).toEqual([
    0, 1, 2,
  ]);
  expect(leases.lease(ask("guild-0/a"))).toBe(1);
  expect(leases.lease(ask("guild-0/a", 1))).toBe(1);
});

test("refuses to renew bits that another incarnation has, and numbers that are none", () => {
  const { leases } = start();
  leases.lease(ask("api-0/a"));
  expect(codeOf(() => leases.lease(ask("api-0/b", 0)))).toBe("FENCED");
  expect(codeOf(() => leases.lease(ask("api-0/b", workerIdCount)))).toBe("INVALID_FORM");
});

test("takes over a lease that is older than its own state", () => {
  const { leases } = start();
  expect(leases.lease(ask("guild-0/a", 3, 77))).toBe(3);
  expect(codeOf(() => leases.lease(ask("guild-1/a", 3)))).toBe("FENCED");
});

test("when all bits are out, names the error, and leases none again before 60 s after the lapse", () => {
  const { time, leases } = start();
  for (let n = 0; n < workerIdCount; n++) leases.lease(ask(`p/${n}`));
  expect(codeOf(() => leases.lease(ask("late/a")))).toBe("WORKER_IDS_EXHAUSTED");
  time.advance(workerLeaseTtlMs + workerRestMs - 1);
  expect(leases.counts()).toEqual({ free: 0, leased: 0, resting: workerIdCount });
  expect(codeOf(() => leases.lease(ask("late/a")))).toBe("WORKER_IDS_EXHAUSTED");
  time.advance(1);
  expect(leases.lease(ask("late/a"))).toBe(0);
  expect(leases.counts()).toEqual({ free: workerIdCount - 1, leased: 1, resting: 0 });
});

test("leases no bits again before 60 s after the time of the last id made with them", () => {
  const { time, leases } = start();
  for (let n = 0; n < workerIdCount; n++) leases.lease(ask(`p/${n}`));
  const aheadMs = 2 * workerLeaseTtlMs;
  for (let n = 0; n < workerIdCount; n++)
    leases.lease(ask(`p/${n}`, n, time.clock.nowMs() + aheadMs - (n === 9 ? 1 : 0)));
  time.advance(aheadMs + workerRestMs - 2);
  expect(codeOf(() => leases.lease(ask("late/a")))).toBe("WORKER_IDS_EXHAUSTED");
  time.advance(1);
  expect(leases.lease(ask("late/a"))).toBe(9);
});

test("a lapsed lease is renewed by its incarnation while nobody else has the bits", () => {
  const { time, leases } = start();
  leases.lease(ask("guild-0/a"));
  time.advance(workerLeaseTtlMs + workerRestMs + 1);
  expect(leases.lease(ask("guild-0/a", 0))).toBe(0);
});

test("over a restart: leases count as renewed at start, high marks stay, a new incarnation gets other bits", () => {
  const before = start();
  before.leases.lease(ask("api-0/a"));
  before.leases.lease(ask("api-0/a", 0, 1_234));
  before.leases.lease(ask("api-0/a", 0, 1_234));
  const row = { workerId: 0, process: "api-0", incarnation: "api-0/a", highestTimeMs: 1_234 };
  expect(before.kept).toEqual([{ ...row, highestTimeMs: 0 }, row]);

  const { time, leases, kept } = start([row]);
  expect(leases.counts()).toEqual({ free: workerIdCount - 1, leased: 1, resting: 0 });
  expect(leases.lease(ask("api-0/b"))).toBe(1);
  expect(codeOf(() => leases.lease(ask("api-0/b", 0)))).toBe("FENCED");
  time.advance(workerLeaseTtlMs - 1);
  expect(leases.lease(ask("api-0/a", 0))).toBe(0);
  expect(kept.map(({ workerId }) => workerId)).toEqual([1]);
});
