import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { accountCases } from "../src/routes/accounts.ts";
import { channelCases, inviteCases, overwriteCases } from "../src/routes/channels.ts";
import { guildCases, memberCases } from "../src/routes/guilds.ts";
import { messageCases, reactionCases } from "../src/routes/messages.ts";
import { roleCases } from "../src/routes/roles.ts";
import { expectRefusal, type Stage, setStage } from "../src/stage.ts";

// The coverage of the API is counted from the names of these tests: "<method> <path> <side>".
const sides = ["success", "permission", "form", "event"] as const;
const cases = [
  ...accountCases,
  ...guildCases,
  ...memberCases,
  ...roleCases,
  ...channelCases,
  ...overwriteCases,
  ...inviteCases,
  ...messageCases,
  ...reactionCases,
];

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

for (const routeCase of cases) {
  describe(routeCase.route, () => {
    for (const side of sides) {
      const check = routeCase[side];
      if (check !== undefined) test(side, () => check(stage));
    }
  });
}

test("an absent route is 404 with code 0, whatever the base is called", async () => {
  const { rest } = stage.member;
  expectRefusal(await rest.send("GET", "/sticker-packs"), 404, 0);
  expectRefusal(await rest.send("POST", "/channels/1/messages/2/crosspost", {}), 404, 0);
  const { api } = stage.fleet.endpoints;
  const other = (base: string) => fetch(`${api.replace("/api/v10", base)}/gateway`);
  expect((await other("/api/v9")).status).toBe(200);
  expect((await other("/api")).status).toBe(200);
  const unknown = await other("/api/v6");
  expect([unknown.status, await unknown.json()]).toEqual([400, { code: 50041, message: expect.any(String) }]);
});

test("everything in the members' guild is still as the events said", async () => {
  const { witness, guild } = stage;
  expect(witness.dispatches.map(({ s }) => s)).toEqual(witness.dispatches.map((_, at) => at + 1));
  expect(witness.dispatches.every(({ text }) => !text.includes("undefined"))).toBe(true);
  expect(guild.id).toMatch(/^\d{17,19}$/);
});
