import { existsSync, writeFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { makeManualTime, makeTempDir, waitFor } from "./index.ts";

test("manual time runs what falls due in order, each at its own time", () => {
  const { clock, timers, advance, pending } = makeManualTime({ startMs: 1_000 });
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name} ${clock.nowMs()}`);
  timers.after(30, note("late"));
  timers.after(10, () => timers.after(5, note("nested")));
  const every = timers.every(20, note("every"));
  timers.after(10, note("gone"))[Symbol.dispose]();
  advance(40);
  expect(ran).toEqual(["nested 1015", "every 1020", "late 1030", "every 1040"]);
  every[Symbol.dispose]();
  advance(100);
  expect(ran).toHaveLength(4);
  expect([clock.nowMs(), clock.nowUs(), clock.monotonicMs(), pending()]).toEqual([1_140, 1_140_000n, 140, 0]);
});

test("an asynchronous advance lets promises settle between timers", async () => {
  const { timers, advanceAsync } = makeManualTime();
  const ran: string[] = [];
  timers.after(10, () => {
    void Promise.resolve().then(() => timers.after(5, () => void ran.push("second")));
  });
  await advanceAsync(20);
  expect(ran).toEqual(["second"]);
});

test("waitFor returns the value, or throws the condition's last error", async () => {
  let asked = 0;
  const later = () => {
    asked += 1;
    if (asked < 3) throw new Error("not yet");
    return asked;
  };
  expect(await waitFor(later)).toBe(3);
  const failing = () => {
    throw new Error("never");
  };
  await expect(waitFor(failing, { timeoutMs: 20 })).rejects.toThrow("never");
  await expect(waitFor(() => false, { timeoutMs: 20 })).rejects.toThrow("not so within 20 ms");
});

test("a temporary folder goes away with what is in it", () => {
  const folder = makeTempDir();
  writeFileSync(`${folder.path}/file`, "");
  folder[Symbol.dispose]();
  expect(existsSync(folder.path)).toBe(false);
});
