import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readDemo, readDemoSoFar } from "./demo.ts";
import { persistently } from "./persistently.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "guildhall-test-"));
});

afterEach(() => rm(base, { recursive: true, force: true }));

const person = { id: "1", token: "t", login: "l", password: "p" };
const demo = {
  guildId: "2",
  channelId: "3",
  owner: person,
  member: person,
  bot: { applicationId: "4", id: "5", token: "b" },
};

test("takes a demo only when it is finished", () => {
  const file = join(base, "demo.json");
  expect(readDemo(file)).toBeUndefined();
  writeFileSync(file, JSON.stringify(demo));
  expect(readDemo(file)).toBeUndefined();
  expect(readDemoSoFar(file)).toEqual(demo);
  writeFileSync(file, JSON.stringify({ ...demo, isPopulated: true }));
  expect(readDemo(file)).toEqual(demo);
  writeFileSync(file, '{"guildId":');
  expect(readDemo(file)).toBeUndefined();
});

test("tries again what may succeed, and only that", async () => {
  let tries = 0;
  const fails = (times: number, error: GuildhallError) => async () => {
    tries += 1;
    if (tries <= times) throw error;
    return tries;
  };
  expect(await persistently(fails(2, new GuildhallError("UNAVAILABLE", "not yet")))).toBe(3);
  tries = 0;
  await expect(persistently(fails(2, new GuildhallError("UNKNOWN_GUILD", "never")))).rejects.toMatchObject({
    code: "UNKNOWN_GUILD",
  });
  expect(tries).toBe(1);
});
