import { expect, test } from "@jest/globals";
import { runChaos } from "../src/chaos.ts";
import { faultKinds } from "../src/faults/fault-plan.ts";
import { isClean, renderReport } from "../src/report.ts";

// One fault of each kind, always the same ones: a gateway hangs, is parted from the others and is drained, a host is killed.
// `npm run chaos` does more of them, and others.
const seed = 20_350;

test("people notice nothing of a fault of each kind but a pause", async () => {
  const lines: string[] = [];
  const report = await runChaos({
    minutes: 0.9,
    seed,
    sessions: 210,
    perSecond: 60,
    guilds: 8,
    faults: faultKinds.length,
    say: (line) => lines.push(line),
    log: (line) => lines.push(line.trimEnd()),
  });
  if (!isClean(report)) process.stderr.write(`${lines.slice(-200).join("\n")}\n${renderReport(report)}\n`);
  expect(report.problems).toEqual([]);
  expect(report.lost).toBe(0);
  expect(report.faults.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  expect(new Set(report.faults.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
  expect(report.resumed).toBeGreaterThan(0);
}, 240_000);
