import { expect, test } from "@jest/globals";
import { type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

const typing = (fleet: SmallFleet, channel: number) => fleet.ask("POST", `/channels/${channel}/typing`);

test("answers tell the bucket, which is the same for every channel, and counts each by itself", async () => {
  await using fleet = await startSmallFleet({ rateLimits: "Standard" });
  const first = (await typing(fleet, 1)).headers;
  expect(first).toMatchObject({ "x-ratelimit-limit": "10", "x-ratelimit-remaining": "9" });
  expect(Number(first["x-ratelimit-reset-after"])).toBeGreaterThan(0);
  expect(String(first["x-ratelimit-reset"])).toMatch(/^\d{10}\.\d{3}$/);
  expect((await typing(fleet, 1)).headers["x-ratelimit-remaining"]).toBe("8");
  const other = (await typing(fleet, 2)).headers;
  expect(other["x-ratelimit-remaining"]).toBe("9");
  expect(other["x-ratelimit-bucket"]).toBe(first["x-ratelimit-bucket"]);
});

test("too many are refused before they reach anybody, in the way that libraries wait on", async () => {
  await using fleet = await startSmallFleet({ rateLimits: "Standard" });
  for (let n = 0; n < 10; n++) expect((await typing(fleet, 1)).status).toBe(200);
  const refused = await typing(fleet, 1);
  expect(refused.status).toBe(429);
  expect(refused.json).toEqual({
    message: "You are being rate limited.",
    retry_after: expect.any(Number),
    global: false,
  });
  expect(refused.headers).toMatchObject({
    "content-type": "application/json",
    "x-ratelimit-scope": "user",
    "x-ratelimit-remaining": "0",
    via: "1.1 guildhall",
  });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  expect(fleet.router.seen.length).toBe(10);
});

test("all requests of a token have a limit of their own", async () => {
  await using fleet = await startSmallFleet({ rateLimits: "Standard" });
  const answers = await Promise.all(Array.from({ length: 80 }, () => fleet.ask("GET", "/users/@me")));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(50);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers).toMatchObject({ "x-ratelimit-global": "true", "x-ratelimit-scope": "global" });
  expect(refused[0]?.headers).not.toHaveProperty("x-ratelimit-bucket");
  expect(refused[0]?.json).toMatchObject({ global: true });
});

test("guessing tokens ends soon", async () => {
  await using fleet = await startSmallFleet({ rateLimits: "Standard" });
  const statuses: number[] = [];
  for (let n = 0; n < 60; n++) statuses.push((await fleet.ask("GET", "/users/@me", { token: `guess${n}` })).status);
  expect(statuses.slice(0, 50).every((status) => status === 401)).toBe(true);
  expect(statuses.at(-1)).toBe(429);
  expect(fleet.user.authentications()).toBe(50);
});

test("nothing is limited, nor told, when limits are off", async () => {
  await using fleet = await startSmallFleet({ rateLimits: "Off" });
  for (let n = 0; n < 70; n++) expect((await typing(fleet, 1)).status).toBe(200);
  expect(Object.keys((await typing(fleet, 1)).headers).filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
});
