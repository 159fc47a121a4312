import { beforeAll, expect, test } from "@jest/globals";
import { type ProfileName, profileNames } from "../src/faults/profiles.ts";
import { describeReport } from "../src/run/describe-report.ts";
import { runInPool } from "../src/run/pool.ts";
import type { SeedReport } from "../src/run/run-seed.ts";

/** A long run takes several times as long as others. */
const seedsOf = (profile: ProfileName): number => (profile === "long" ? 6 : 15);
const runs = profileNames.flatMap((profile, place) =>
  Array.from({ length: seedsOf(profile) }, (_, index) => ({ seed: place + index * profileNames.length, profile })),
);
const [again] = runs.slice(-1) as [(typeof runs)[number]];
const reports: SeedReport[] = [];

// In a process of its own: jest's way of loading modules makes them several times slower.
beforeAll(() => runInPool([...runs, again], 1, (report) => void reports.push(report)), 600_000);

test("a seed is always the same run", () => {
  const fingerprints = reports.filter(({ seed }) => seed === again.seed).map(({ fingerprint }) => fingerprint);
  expect(fingerprints.length).toBe(2);
  expect(fingerprints[1]).toBe(fingerprints[0]);
});

test.each(profileNames)("%s: what is promised holds", (profile) => {
  const ofProfile = reports.filter((report) => report.profile === profile);
  const failed = ofProfile.filter(({ violations }) => violations.length > 0);
  expect(failed.map(describeReport).join("\n")).toBe("");
  expect(ofProfile.length).toBeGreaterThanOrEqual(seedsOf(profile));
});
