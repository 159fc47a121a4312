import { makeSlewedClock } from "@guildhall/snowflake";
import { expect, test } from "@jest/globals";
import { serving, World } from "./world.ts";

const one = { shards: 1, hosts: ["guild-0"] };
const hourMs = 3_600_000;
const requestAgeMs = 120_000;

/** A process that leases a worker id, in the world's time. */
function makeProcess(world: World, process: string) {
  const { clock } = world.time;
  const monotonicMs = () => clock.monotonicMs();
  let own: ReturnType<typeof makeSlewedClock> | undefined;
  return {
    nowMs: () => own?.nowMs() ?? 0,
    async lease(): Promise<number> {
      const asked = own === undefined ? {} : { nowMs: own.nowMs() };
      const { nowMs } = await world.now.leaseWorker({ process, incarnation: process, highestTimeMs: 0, ...asked });
      if (own === undefined) own = makeSlewedClock({ wallAtStartMs: nowMs, monotonicMs });
      else own.slewTo(nowMs);
      return nowMs;
    },
  };
}

test.each([
  { downMs: 1_000, setMs: hourMs },
  { downMs: 1_000, setMs: -hourMs },
  { downMs: hourMs, setMs: 0 },
  { downMs: hourMs, setMs: hourMs },
  { downMs: hourMs, setMs: -hourMs },
])(
  "a process that is new after $downMs ms without coordinator, its clock set by $setMs, is like the old ones",
  async ({ downMs, setMs }) => {
    const world = await serving(one);
    const old = makeProcess(world, "guild-0");
    const before = await old.lease();
    world.stop();
    world.time.sleep(downMs);
    world.time.setWallBy(setMs);
    // Its host says nothing on its own, so the old process is the first to be heard.
    world.the("guild-0").alive = false;
    await world.start();
    const late = makeProcess(world, "api-1");
    await expect(late.lease()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await old.lease()).toBeGreaterThan(before);
    const told = await late.lease();
    expect(told).toBeGreaterThan(before);
    for (let round = 0; round < 60; round++) {
      expect(Math.abs(late.nowMs() - old.nowMs())).toBeLessThan(requestAgeMs / 4);
      await world.pass(10_000);
      await late.lease();
      await old.lease();
    }
  },
);

test("the time told rises over restarts, takeovers and whatever the wall clock does", async () => {
  const world = await serving(one);
  const steps = [5_000, -5_000, hourMs, -2 * hourMs, -hourMs, 3 * hourMs];
  let last = 0;
  for (const [round, setMs] of [...steps, ...steps].entries()) {
    world.time.setWallBy(setMs);
    if (round % 3 > 0) await world.start();
    else world.coordinator = await world.another();
    await world.pass(1_500);
    const asked = { process: "api-0", incarnation: `i${round}`, highestTimeMs: 0 };
    const { nowMs } = await world.now.leaseWorker(asked);
    const renewed = await world.now.renewHost(world.the("guild-0").renewal());
    expect(nowMs).toBeGreaterThanOrEqual(last);
    expect(renewed.nowMs).toBeGreaterThanOrEqual(nowMs);
    last = renewed.nowMs;
  }
});

test("bits rest for a minute also when the wall clock is set ahead", async () => {
  const world = new World({ shards: 1, hosts: [] });
  await world.start();
  const ask = { process: "api-0", highestTimeMs: 0 };
  const ids = new Set<number>();
  for (let n = 0; n < 1_024; n++) ids.add((await world.now.leaseWorker({ ...ask, incarnation: `${n}` })).workerId);
  expect(ids.size).toBe(1_024);
  world.time.setWallBy(hourMs);
  await world.start();
  await expect(world.now.leaseWorker({ ...ask, incarnation: "late" })).rejects.toMatchObject({
    code: "WORKER_IDS_EXHAUSTED",
  });
});
