import { waitFor } from "@guildhall/testing";
import { expect } from "@jest/globals";
import type { APIGuild, APIGuildMember, APIRole } from "discord-api-types/v10";
import { makeCommunity } from "../people.ts";
import { objectProblems } from "../shapes.ts";
import { expectFormError, expectRefusal } from "../stage.ts";
import type { RouteCase } from "./route-case.ts";

const audit = "GUILD_AUDIT_LOG_ENTRY_CREATE";

/** Guilds themselves. */
export const guildCases: readonly RouteCase[] = [
  {
    route: "POST /guilds",
    async success({ outsider }) {
      const answer = await outsider.rest.send("POST", "/guilds", { name: "  A place  " });
      expect(answer.status).toBe(201);
      const guild = answer.body as APIGuild;
      expect(objectProblems("guild", guild)).toEqual([]);
      expect(guild).toMatchObject({ name: "A place", owner_id: outsider.id });
      expect(guild.roles.map(({ id, name }) => [id, name])).toEqual([[guild.id, "@everyone"]]);
    },
    async permission({ bot }) {
      expectRefusal(await bot.rest.send("POST", "/guilds", { name: "of a bot" }), 403, 20001);
    },
    async form({ outsider }) {
      expectFormError(await outsider.rest.send("POST", "/guilds", { name: "x" }), ["name"], "BASE_TYPE_BAD_LENGTH");
      expectFormError(await outsider.rest.send("POST", "/guilds", {}), ["name"], "BASE_TYPE_REQUIRED");
    },
    async event({ outsider, watch }) {
      const session = await watch({ token: outsider.token });
      const guild = await outsider.rest.post<APIGuild>("/guilds", { name: "seen at once" });
      const created = await session.next("GUILD_CREATE", ({ id }) => id === guild.id);
      expect(created).toMatchObject({ unavailable: false, member_count: 1, owner_id: outsider.id });
    },
  },
  {
    route: "GET /guilds/{g}",
    async success({ member, guild }) {
      const plain = await member.rest.get<APIGuild>(`/guilds/${guild.id}`);
      expect(objectProblems("guild", plain)).toEqual([]);
      expect(plain).not.toHaveProperty("approximate_member_count");
      const counted = await member.rest.get<APIGuild>(`/guilds/${guild.id}?with_counts=True`);
      expect(counted.approximate_member_count).toBeGreaterThanOrEqual(3);
    },
    async permission({ outsider, guild, member }) {
      const hidden = await outsider.rest.send("GET", `/guilds/${guild.id}`);
      expect([403, 404]).toContain(hidden.status);
      expectRefusal(await member.rest.send("GET", `/guilds/${member.id}`), 404, 10004);
    },
    async form({ member, guild }) {
      expectFormError(
        await member.rest.send("GET", `/guilds/${guild.id}?with_counts=maybe`),
        ["with_counts"],
        "BOOLEAN_TYPE_CONVERT",
      );
      expectFormError(await member.rest.send("GET", "/guilds/not-an-id"), ["guild_id"], "NUMBER_TYPE_COERCE");
    },
  },
  {
    route: "PATCH /guilds/{g}",
    async success({ owner, guild }) {
      const edited = await owner.rest.patch<APIGuild>(`/guilds/${guild.id}`, { description: "about", afk_timeout: 60 });
      expect(edited).toMatchObject({ id: guild.id, description: "about", afk_timeout: 60 });
      expect(await owner.rest.patch(`/guilds/${guild.id}`, { description: null })).toMatchObject({ description: null });
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("PATCH", `/guilds/${guild.id}`, { name: "mine now" }), 403, 50013);
    },
    async form({ owner, guild }) {
      const send = (form: object) => owner.rest.send("PATCH", `/guilds/${guild.id}`, form);
      expectFormError(await send({ afk_timeout: 61 }), ["afk_timeout"], "BASE_TYPE_CHOICES");
      expectFormError(await send({ name: 7 }), ["name"], "STRING_TYPE_CONVERT");
    },
    async event({ owner, guild, expectEvents }) {
      const name = "renamed guild";
      const [update] = await expectEvents(
        () => owner.rest.patch(`/guilds/${guild.id}`, { name }),
        ["GUILD_UPDATE", audit],
      );
      expect(update?.d).toMatchObject({ id: guild.id, name });
    },
  },
  {
    route: "DELETE /guilds/{g}",
    async success({ owner, member }) {
      const doomed = await makeCommunity(owner, [member]);
      expect((await owner.rest.send("DELETE", `/guilds/${doomed.id}`)).status).toBe(204);
      expectRefusal(await owner.rest.send("GET", `/guilds/${doomed.id}`), 404, 10004);
      await waitFor(async () => {
        const left = await member.rest.get<{ id: string }[]>("/users/@me/guilds");
        return left.every(({ id }) => id !== doomed.id);
      });
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("DELETE", `/guilds/${guild.id}`), 403, 50013);
    },
    async event({ owner, member, watch }) {
      const doomed = await makeCommunity(owner, [member]);
      const session = await watch({ token: member.token });
      await session.guild(doomed.id);
      await owner.rest.delete(`/guilds/${doomed.id}`);
      expect(await session.next("GUILD_DELETE", ({ id }) => id === doomed.id)).toEqual({ id: doomed.id });
    },
  },
];

/** Members of guilds. */
export const memberCases: readonly RouteCase[] = [
  {
    route: "GET /guilds/{g}/members",
    async success({ bot, guild, owner, member }) {
      const all = await bot.rest.get<APIGuildMember[]>(`/guilds/${guild.id}/members?limit=1000`);
      const ids = all.map(({ user }) => user.id);
      expect(objectProblems("member", all)).toEqual([]);
      expect(ids).toEqual(expect.arrayContaining([owner.id, member.id, bot.id]));
      expect(ids).toEqual(ids.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
      const rest = await bot.rest.get<APIGuildMember[]>(`/guilds/${guild.id}/members?limit=1000&after=${ids[0]}`);
      expect(rest.map(({ user }) => user.id)).toEqual(ids.slice(1));
      expect(await bot.rest.get(`/guilds/${guild.id}/members`)).toHaveLength(1);
    },
    async permission({ bots, owner, guild }) {
      const blind = await bots.make(owner, { name: "blind", flags: 0n });
      await bots.add(blind, guild);
      expectRefusal(await blind.rest.send("GET", `/guilds/${guild.id}/members`), 403, 50001);
    },
    async form({ bot, guild }) {
      expectFormError(await bot.rest.send("GET", `/guilds/${guild.id}/members?limit=0`), ["limit"], "NUMBER_TYPE_MIN");
    },
  },
  {
    route: "GET /guilds/{g}/members/{u}",
    async success({ member, guild }) {
      const found = await member.rest.get<APIGuildMember>(`/guilds/${guild.id}/members/${member.id}`);
      expect(objectProblems("member", found)).toEqual([]);
      expect(found).toMatchObject({ user: { id: member.id }, roles: [] });
    },
    async permission({ member, outsider, guild }) {
      expectRefusal(await outsider.rest.send("GET", `/guilds/${guild.id}/members/${member.id}`), 403, 50001);
      expectRefusal(await member.rest.send("GET", `/guilds/${guild.id}/members/${outsider.id}`), 404, 10007);
    },
  },
  {
    route: "DELETE /guilds/{g}/members/{u}",
    async success({ owner, newcomer, guild }) {
      const person = await newcomer();
      const answer = await owner.rest.send("DELETE", `/guilds/${guild.id}/members/${person.id}`);
      expect([answer.status, answer.text]).toEqual([204, ""]);
      expectRefusal(await owner.rest.send("GET", `/guilds/${guild.id}/members/${person.id}`), 404, 10007);
    },
    async permission({ member, owner, bot, guild }) {
      expectRefusal(await member.rest.send("DELETE", `/guilds/${guild.id}/members/${bot.id}`), 403, 50013);
      // Rank decides, too: nobody kicks the owner.
      expectRefusal(await bot.rest.send("DELETE", `/guilds/${guild.id}/members/${owner.id}`), 403, 50013);
    },
    async event({ owner, newcomer, guild, watch, expectEvents }) {
      const person = await newcomer();
      const session = await watch({ token: person.token });
      await session.guild(guild.id);
      const [removed] = await expectEvents(
        () => owner.rest.delete(`/guilds/${guild.id}/members/${person.id}`),
        ["GUILD_MEMBER_REMOVE", audit],
      );
      expect(removed?.d).toMatchObject({ guild_id: guild.id, user: { id: person.id } });
      expect(await session.next("GUILD_DELETE")).toEqual({ id: guild.id });
    },
  },
  {
    route: "PUT /guilds/{g}/members/{u}/roles/{r}",
    async success({ owner, member, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "granted" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      expect((await owner.rest.send("PUT", path)).status).toBe(204);
      const { roles } = await owner.rest.get<APIGuildMember>(`/guilds/${guild.id}/members/${member.id}`);
      expect(roles).toEqual([role.id]);
      await owner.rest.delete(`/guilds/${guild.id}/roles/${role.id}`);
    },
    async permission({ owner, member, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "out of reach" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      expectRefusal(await member.rest.send("PUT", path), 403, 50013);
      expectRefusal(await owner.rest.send("PUT", path.replace(role.id, member.id)), 404, 10011);
    },
    async event({ owner, member, guild, expectEvents }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "told" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      const [update] = await expectEvents(() => owner.rest.put(path), ["GUILD_MEMBER_UPDATE", audit]);
      expect(update?.d).toMatchObject({ guild_id: guild.id, user: { id: member.id }, roles: [role.id] });
      // Twice is once.
      await expectEvents(() => owner.rest.put(path), []);
      await owner.rest.delete(path);
    },
  },
  {
    route: "DELETE /guilds/{g}/members/{u}/roles/{r}",
    async success({ owner, member, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "revoked" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      await owner.rest.put(path);
      expect((await owner.rest.send("DELETE", path)).status).toBe(204);
      const { roles } = await owner.rest.get<APIGuildMember>(`/guilds/${guild.id}/members/${member.id}`);
      expect(roles).toEqual([]);
    },
    async permission({ owner, member, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "kept" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      expectRefusal(await member.rest.send("DELETE", path), 403, 50013);
    },
    async event({ owner, member, guild, expectEvents }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "told" });
      const path = `/guilds/${guild.id}/members/${member.id}/roles/${role.id}`;
      await owner.rest.put(path);
      const [update] = await expectEvents(() => owner.rest.delete(path), ["GUILD_MEMBER_UPDATE", audit]);
      expect(update?.d).toMatchObject({ user: { id: member.id }, roles: [] });
    },
  },
];
