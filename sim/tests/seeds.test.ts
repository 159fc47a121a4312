import { expect, test } from "@jest/globals";
import { profileNames } from "../src/faults/profiles.ts";
import { describeReport } from "../src/run/describe-report.ts";
import { runSeed } from "../src/run/run-seed.ts";

const seedsPerProfile = 25;

test("a seed is always the same run", async () => {
  const fingerprints = [await runSeed({ seed: 7 }), await runSeed({ seed: 7 })].map(({ fingerprint }) => fingerprint);
  expect(fingerprints[1]).toBe(fingerprints[0]);
});

for (const [place, profile] of profileNames.entries()) {
  test(`${profile}: what is promised holds through ${seedsPerProfile} seeds`, async () => {
    const failed: string[] = [];
    for (let index = 0; index < seedsPerProfile; index++) {
      const report = await runSeed({ seed: place + index * profileNames.length, profile });
      if (report.violations.length > 0) failed.push(describeReport(report));
    }
    expect(failed.join("\n")).toBe("");
  });
}
