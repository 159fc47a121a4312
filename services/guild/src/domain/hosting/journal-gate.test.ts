import { expect, test } from "@jest/globals";
import { makeJournalGate } from "./journal-gate.ts";

test("lets one through each second while shut, and all after something was stored", () => {
  let nowMs = 5_000;
  const gate = makeJournalGate({ monotonicMs: () => nowMs });
  expect([gate.isShut, gate.admits(), gate.admits()]).toEqual([false, true, true]);
  gate.shut();
  expect([gate.isShut, gate.admits()]).toEqual([true, false]);
  nowMs += 999;
  gate.shut();
  expect(gate.admits()).toBe(false);
  nowMs += 1;
  expect([gate.admits(), gate.admits()]).toEqual([true, false]);
  nowMs += 1_000;
  expect(gate.admits()).toBe(true);
  gate.open();
  expect([gate.isShut, gate.admits(), gate.admits()]).toEqual([false, true, true]);
});
