import { expect } from "@jest/globals";
import type { APIRole } from "discord-api-types/v10";
import { objectProblems } from "../shapes.ts";
import { expectFormError, expectRefusal } from "../stage.ts";
import type { RouteCase } from "./route-case.ts";

const audit = "GUILD_AUDIT_LOG_ENTRY_CREATE";

/** Roles of guilds. */
export const roleCases: readonly RouteCase[] = [
  {
    route: "GET /guilds/{g}/roles",
    async success({ member, guild }) {
      const roles = await member.rest.get<APIRole[]>(`/guilds/${guild.id}/roles`);
      expect(objectProblems("role", roles)).toEqual([]);
      expect(roles).toContainEqual(expect.objectContaining({ id: guild.id, name: "@everyone", position: 0 }));
    },
    async permission({ outsider, guild }) {
      expectRefusal(await outsider.rest.send("GET", `/guilds/${guild.id}/roles`), 403, 50001);
    },
  },
  {
    route: "GET /guilds/{g}/roles/{r}",
    async success({ member, guild }) {
      expect(await member.rest.get(`/guilds/${guild.id}/roles/${guild.id}`)).toMatchObject({ name: "@everyone" });
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("GET", `/guilds/${guild.id}/roles/${member.id}`), 404, 10011);
    },
  },
  {
    route: "POST /guilds/{g}/roles",
    async success({ owner, guild }) {
      // Ids and permissions come as integers from some libraries, as texts from others.
      const form = { name: "made", permissions: "2048", color: 255, hoist: true, mentionable: true };
      const answer = await owner.rest.send("POST", `/guilds/${guild.id}/roles`, form);
      expect(answer.status).toBe(200);
      expect(objectProblems("role", answer.body)).toEqual([]);
      expect(answer.body).toMatchObject({ ...form, managed: false });
      expect(await owner.rest.post(`/guilds/${guild.id}/roles`, {})).toMatchObject({ name: "new role" });
      expect(await owner.rest.post(`/guilds/${guild.id}/roles`, { permissions: 1024 })).toMatchObject({
        permissions: "1024",
      });
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("POST", `/guilds/${guild.id}/roles`, { name: "no" }), 403, 50013);
    },
    async form({ owner, guild }) {
      const send = (form: object) => owner.rest.send("POST", `/guilds/${guild.id}/roles`, form);
      expectFormError(await send({ color: 0x1_00_00_00 }), ["color"], "NUMBER_TYPE_MAX");
      expectFormError(await send({ hoist: "very" }), ["hoist"], "BOOLEAN_TYPE_CONVERT");
    },
    async event({ owner, guild, expectEvents }) {
      const [created] = await expectEvents(
        () => owner.rest.post(`/guilds/${guild.id}/roles`, { name: "announced" }),
        ["GUILD_ROLE_CREATE", audit],
      );
      expect(created?.d).toMatchObject({ guild_id: guild.id, role: { name: "announced" } });
    },
  },
  {
    route: "PATCH /guilds/{g}/roles/{r}",
    async success({ owner, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "before", color: 1 });
      const edited = await owner.rest.patch(`/guilds/${guild.id}/roles/${role.id}`, { name: "after" });
      expect(edited).toEqual({ ...role, name: "after" });
    },
    async permission({ member, guild }) {
      expectRefusal(
        await member.rest.send("PATCH", `/guilds/${guild.id}/roles/${guild.id}`, { permissions: "8" }),
        403,
        50013,
      );
    },
    async form({ owner, guild }) {
      const answer = await owner.rest.send("PATCH", `/guilds/${guild.id}/roles/${guild.id}`, { permissions: "many" });
      expectFormError(answer, ["permissions"], "NUMBER_TYPE_COERCE");
    },
    async event({ owner, guild, expectEvents }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "changing" });
      const [updated] = await expectEvents(
        () => owner.rest.patch(`/guilds/${guild.id}/roles/${role.id}`, { hoist: true }),
        ["GUILD_ROLE_UPDATE", audit],
      );
      expect(updated?.d).toEqual({ guild_id: guild.id, role: { ...role, hoist: true } });
    },
  },
  {
    route: "DELETE /guilds/{g}/roles/{r}",
    async success({ owner, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "short-lived" });
      expect((await owner.rest.send("DELETE", `/guilds/${guild.id}/roles/${role.id}`)).status).toBe(204);
      expectRefusal(await owner.rest.send("GET", `/guilds/${guild.id}/roles/${role.id}`), 404, 10011);
    },
    async permission({ owner, member, guild }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "protected" });
      expectRefusal(await member.rest.send("DELETE", `/guilds/${guild.id}/roles/${role.id}`), 403, 50013);
    },
    async event({ owner, guild, expectEvents }) {
      const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "vanishing" });
      const [gone] = await expectEvents(
        () => owner.rest.delete(`/guilds/${guild.id}/roles/${role.id}`),
        ["GUILD_ROLE_DELETE", audit],
      );
      expect(gone?.d).toEqual({ guild_id: guild.id, role_id: role.id });
    },
  },
];
