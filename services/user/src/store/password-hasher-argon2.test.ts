import { expect, test } from "@jest/globals";
import { makeArgon2Hasher } from "./password-hasher-argon2.ts";

test("verifies the right password only", async () => {
  const hasher = makeArgon2Hasher("Low");
  const stored = await hasher.hash("correct horse");
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  expect(await hasher.verify("correct horse", stored)).toBe(true);
  expect(await hasher.verify("correct h0rse", stored)).toBe(false);
});

test("equal passwords give different strings", async () => {
  const hasher = makeArgon2Hasher("Low");
  expect(await hasher.hash("same")).not.toBe(await hasher.hash("same"));
});

test("a login that does not exist, and a string that is no hash, verify as false", async () => {
  const hasher = makeArgon2Hasher("Low");
  expect(await hasher.verify("anything", undefined)).toBe(false);
  expect(await hasher.verify("anything", "plain text")).toBe(false);
});

test("a hash of another cost still verifies, so that the setting may change", async () => {
  const stored = await makeArgon2Hasher("Standard").hash("correct horse");
  expect(await makeArgon2Hasher("Low").verify("correct horse", stored)).toBe(true);
});

test("too many at once are refused by name instead of piling up", async () => {
  const hasher = makeArgon2Hasher("Low");
  const outcomes = await Promise.allSettled(Array.from({ length: 600 }, () => hasher.hash("same")));
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(600 - 515);
  expect(refused[0]).toMatchObject({ reason: { code: "QUEUE_FULL" } });
});
