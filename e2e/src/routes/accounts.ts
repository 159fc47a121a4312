import { waitFor } from "@guildhall/testing";
import { expect } from "@jest/globals";
import { makeCommunity, register } from "../people.ts";
import type { Rest } from "../rest.ts";
import { expectFormError, expectRefusal } from "../stage.ts";
import type { RouteCase } from "./route-case.ts";

const dottedToken = /^[\w-]+\.[\w-]+\.[\w-]{40,}$/;

/** The list of one's own guilds, once it is as expected: it follows what the guilds' hosts have acked. */
function waitForGuilds(rest: Rest, ids: readonly string[]): Promise<{ id: string }[]> {
  return waitFor(async () => {
    const all = await rest.get<{ id: string }[]>("/users/@me/guilds");
    expect(all.map(({ id }) => id)).toEqual(ids);
    return all;
  });
}

/** Accounts and what is asked before connecting. */
export const accountCases: readonly RouteCase[] = [
  {
    route: "GET /gateway",
    async success({ rest, fleet }) {
      const answer = await rest.send("GET", "/gateway");
      expect([answer.status, answer.body]).toEqual([200, { url: fleet.gateway }]);
      expect(answer.headers["content-type"]).toBe("application/json");
    },
  },
  {
    route: "GET /gateway/bot",
    async success({ bot, fleet }) {
      expect(await bot.rest.get("/gateway/bot")).toEqual({
        url: fleet.gateway,
        shards: 1,
        session_start_limit: {
          total: expect.any(Number),
          remaining: expect.any(Number),
          reset_after: expect.any(Number),
          max_concurrency: 1,
        },
      });
    },
    async permission({ rest, member }) {
      expectRefusal(await rest.send("GET", "/gateway/bot"), 401, 0);
      expectRefusal(await member.rest.send("GET", "/gateway/bot"), 403, 20002);
    },
  },
  {
    route: "POST /auth/register",
    async success({ rest, guild }) {
      const form = { username: "registered.by_form", password: "long enough", consent: true, invite: guild.invite };
      const answer = await rest.send("POST", "/auth/register", form);
      expect([answer.status, answer.body]).toEqual([201, { token: expect.stringMatching(dottedToken) }]);
      const { token } = answer.body as { token: string };
      const { id } = await rest.as(token).get<{ id: string }>("/users/@me");
      expect(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).toBe(id);
      await waitForGuilds(rest.as(token), [guild.id]);
    },
    async form({ rest }) {
      const send = (form: object) => rest.send("POST", "/auth/register", form);
      expectFormError(
        await send({ username: "short.password", password: "short" }),
        ["password"],
        "BASE_TYPE_BAD_LENGTH",
      );
      expectFormError(
        await send({ username: "no spaces", password: "long enough" }),
        ["username"],
        "USERNAME_INVALID_CONTAINS",
      );
    },
  },
  {
    route: "POST /auth/login",
    async success({ rest, member }) {
      const answer = await rest.send("POST", "/auth/login", { login: member.name, password: member.password });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        user_id: member.id,
        token: expect.stringMatching(dottedToken),
        user_settings: { locale: "en-US", theme: "dark" },
      });
    },
    async form({ rest, member }) {
      expectFormError(
        await rest.send("POST", "/auth/login", { login: member.name }),
        ["password"],
        "BASE_TYPE_REQUIRED",
      );
      expectRefusal(await rest.send("POST", "/auth/login", { login: member.name, password: "wrong" }), 400, 50035);
    },
  },
  {
    route: "POST /auth/logout",
    async success({ rest }) {
      const person = await register(rest, "leaving");
      expect((await person.rest.send("POST", "/auth/logout", {})).status).toBe(204);
      expectRefusal(await person.rest.send("GET", "/users/@me"), 401, 0);
    },
    async permission({ bot }) {
      expectRefusal(await bot.rest.send("POST", "/auth/logout", {}), 403, 20001);
    },
    async event({ rest, watch }) {
      const person = await register(rest, "leaving");
      const session = await watch({ token: person.token });
      await person.rest.post("/auth/logout", {});
      expect((await session.socket.untilClosed()).code).toBe(4004);
    },
  },
  {
    route: "GET /users/@me",
    async success({ member, bot }) {
      const person = await member.rest.get<{ id: string; bot: boolean; username: string }>("/users/@me");
      expect(person).toMatchObject({
        id: member.id,
        username: member.name,
        bot: false,
        discriminator: "0",
        email: null,
      });
      expect(await bot.rest.get("/users/@me")).toMatchObject({ id: bot.id, bot: true, mfa_enabled: false });
    },
    async permission({ rest }) {
      expectRefusal(await rest.send("GET", "/users/@me"), 401, 0);
      expectRefusal(await rest.as("Bot no.such.token").send("GET", "/users/@me"), 401, 0);
    },
  },
  {
    route: "GET /users/{u}",
    async success({ bot, member }) {
      expect(await bot.rest.get(`/users/${member.id}`)).toMatchObject({ id: member.id, username: member.name });
    },
    async permission({ bot, guild }) {
      expectRefusal(await bot.rest.send("GET", `/users/${guild.id}`), 404, 10013);
    },
  },
  {
    route: "GET /oauth2/applications/@me",
    async success({ bot, owner }) {
      expect(await bot.rest.get("/oauth2/applications/@me")).toMatchObject({
        id: bot.applicationId,
        owner: { id: owner.id },
        team: null,
        flags: expect.any(Number),
        bot_public: true,
        bot_require_code_grant: false,
        verify_key: expect.any(String),
      });
    },
    async permission({ member }) {
      expectRefusal(await member.rest.send("GET", "/oauth2/applications/@me"), 403, 20002);
    },
  },
  {
    route: "GET /applications/@me",
    async success({ bot }) {
      expect(await bot.rest.get("/applications/@me")).toMatchObject({ id: bot.applicationId, bot: { id: bot.id } });
    },
    async permission({ member }) {
      expectRefusal(await member.rest.send("GET", "/applications/@me"), 403, 20002);
    },
  },
  {
    route: "GET /users/@me/guilds",
    async success({ member, guild, owner }) {
      const second = await makeCommunity(owner, [member]);
      const all = await waitForGuilds(member.rest, [guild.id, second.id]);
      expect(all[0]).toEqual({
        id: guild.id,
        name: expect.any(String),
        icon: null,
        banner: null,
        owner: false,
        permissions: expect.stringMatching(/^\d+$/),
        features: [],
      });
      expect(await member.rest.get(`/users/@me/guilds?after=${guild.id}`)).toEqual([all[1]]);
      expect(await member.rest.get(`/users/@me/guilds?before=${second.id}&limit=1`)).toEqual([all[0]]);
      await owner.rest.delete(`/guilds/${second.id}`);
    },
    async form({ member }) {
      expectFormError(await member.rest.send("GET", "/users/@me/guilds?limit=201"), ["limit"], "NUMBER_TYPE_MAX");
    },
  },
  {
    route: "DELETE /users/@me/guilds/{g}",
    async success({ newcomer, guild }) {
      const person = await newcomer();
      expect((await person.rest.send("DELETE", `/users/@me/guilds/${guild.id}`)).status).toBe(204);
      await waitForGuilds(person.rest, []);
    },
    async permission({ owner, outsider, guild }) {
      expectRefusal(await owner.rest.send("DELETE", `/users/@me/guilds/${guild.id}`), 400, 50055);
      expect((await outsider.rest.send("DELETE", `/users/@me/guilds/${guild.id}`)).status).toBeGreaterThan(400);
    },
    async event({ newcomer, guild, watch, expectEvents }) {
      const person = await newcomer();
      const session = await watch({ token: person.token });
      await session.guild(guild.id);
      const [left] = await expectEvents(
        () => person.rest.delete(`/users/@me/guilds/${guild.id}`),
        ["GUILD_MEMBER_REMOVE"],
      );
      expect(left?.d).toMatchObject({ guild_id: guild.id, user: { id: person.id } });
      expect(await session.next("GUILD_DELETE")).toEqual({ id: guild.id });
    },
  },
];
