import { expect } from "@jest/globals";
import type { APIChannel, APIInvite, APITextChannel } from "discord-api-types/v10";
import { objectProblems } from "../shapes.ts";
import { expectFormError, expectRefusal } from "../stage.ts";
import type { RouteCase } from "./route-case.ts";

const audit = "GUILD_AUDIT_LOG_ENTRY_CREATE";
const viewChannel = "1024";

/** An overwrite that hides a channel from a guild's members. */
function hiddenFrom(everyoneId: string) {
  return [{ id: everyoneId, type: 0, allow: "0", deny: viewChannel }];
}

/** Channels. */
export const channelCases: readonly RouteCase[] = [
  {
    route: "GET /guilds/{g}/channels",
    async success({ member, guild, channel }) {
      const made = await channel({ name: "listed" });
      const channels = await member.rest.get<APIChannel[]>(`/guilds/${guild.id}/channels`);
      expect(objectProblems("channel", channels)).toEqual([]);
      expect(channels).toContainEqual(made);
    },
    async permission({ outsider, member, guild, channel }) {
      expectRefusal(await outsider.rest.send("GET", `/guilds/${guild.id}/channels`), 403, 50001);
      const hidden = await channel({ permission_overwrites: hiddenFrom(guild.id) });
      const seen = await member.rest.get<APIChannel[]>(`/guilds/${guild.id}/channels`);
      expect(seen.map(({ id }) => id)).not.toContain(hidden.id);
    },
  },
  {
    route: "POST /guilds/{g}/channels",
    async success({ owner, guild }) {
      const category = await owner.rest.post<APIChannel>(`/guilds/${guild.id}/channels`, { name: "Group", type: 4 });
      const form = { name: "in it", parent_id: category.id, topic: "what for", nsfw: true, rate_limit_per_user: 5 };
      const answer = await owner.rest.send("POST", `/guilds/${guild.id}/channels`, form);
      expect(answer.status).toBe(201);
      expect(objectProblems("channel", answer.body)).toEqual([]);
      expect(answer.body).toMatchObject({ ...form, type: 0, guild_id: guild.id, last_message_id: null });
      // discord.py sends ids as integers: no digit may be lost.
      const raw = `{"name":"by integer","type":2,"bitrate":8000,"parent_id":${category.id}}`;
      const voice = await owner.rest.send("POST", `/guilds/${guild.id}/channels`, undefined, {
        raw,
        headers: { "content-type": "application/json" },
      });
      expect(voice.body).toMatchObject({ parent_id: category.id, bitrate: 8000, type: 2 });
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("POST", `/guilds/${guild.id}/channels`, { name: "no" }), 403, 50013);
    },
    async form({ owner, guild }) {
      const send = (form: object) => owner.rest.send("POST", `/guilds/${guild.id}/channels`, form);
      expectFormError(await send({ name: "", type: 0 }), ["name"], "BASE_TYPE_REQUIRED");
      const overwrites = [{ id: guild.id, type: 7 }];
      expectFormError(
        await send({ name: "odd", permission_overwrites: overwrites }),
        ["permission_overwrites", "0", "type"],
        "BASE_TYPE_CHOICES",
      );
    },
    async event({ channel, expectEvents }) {
      let made: APIChannel | undefined;
      const act = async () => {
        made = await channel({ name: "announced" });
      };
      const [created] = await expectEvents(act, ["CHANNEL_CREATE", audit]);
      expect(created?.d).toEqual(made);
    },
  },
  {
    route: "GET /channels/{c}",
    async success({ member, channel }) {
      const made = await channel();
      expect(await member.rest.get(`/channels/${made.id}`)).toEqual(made);
    },
    async permission({ member, guild, channel }) {
      const hidden = await channel({ permission_overwrites: hiddenFrom(guild.id) });
      expectRefusal(await member.rest.send("GET", `/channels/${hidden.id}`), 403, 50001);
      expectRefusal(await member.rest.send("GET", `/channels/${guild.id}`), 404, 10003);
    },
  },
  {
    route: "PATCH /channels/{c}",
    async success({ owner, channel }) {
      const made = await channel();
      const edited = await owner.rest.patch(`/channels/${made.id}`, { name: "renamed", topic: "t", position: 9 });
      expect(edited).toEqual({ ...made, name: "renamed", topic: "t", position: 9 });
    },
    async permission({ member, channel }) {
      const made = await channel();
      expectRefusal(await member.rest.send("PATCH", `/channels/${made.id}`, { name: "mine" }), 403, 50013);
    },
    async form({ owner, guild }) {
      const send = (form: object) => owner.rest.send("PATCH", `/channels/${guild.channelId}`, form);
      expectFormError(await send({ rate_limit_per_user: 21_601 }), ["rate_limit_per_user"], "NUMBER_TYPE_MAX");
      expectFormError(await send({ type: 13 }), ["type"], "BASE_TYPE_CHOICES");
    },
    async event({ owner, channel, expectEvents }) {
      const made = await channel();
      const [updated] = await expectEvents(
        () => owner.rest.patch(`/channels/${made.id}`, { topic: "news" }),
        ["CHANNEL_UPDATE", audit],
      );
      expect(updated?.d).toEqual({ ...made, topic: "news" });
    },
  },
  {
    route: "DELETE /channels/{c}",
    async success({ owner, channel }) {
      const made = await channel();
      const answer = await owner.rest.send("DELETE", `/channels/${made.id}`);
      expect([answer.status, answer.body]).toEqual([200, made]);
      expectRefusal(await owner.rest.send("GET", `/channels/${made.id}`), 404, 10003);
    },
    async permission({ member, channel }) {
      const made = await channel();
      expectRefusal(await member.rest.send("DELETE", `/channels/${made.id}`), 403, 50013);
    },
    async event({ owner, guild, channel, expectEvents }) {
      const category = await channel({ name: "Doomed", type: 4 });
      const child = await channel({ name: "orphan", parent_id: category.id });
      const [gone, orphaned] = await expectEvents(
        () => owner.rest.delete(`/channels/${category.id}`),
        ["CHANNEL_DELETE", "CHANNEL_UPDATE", audit],
      );
      expect(gone?.d).toMatchObject({ id: category.id, guild_id: guild.id });
      expect(orphaned?.d).toMatchObject({ id: child.id, parent_id: null });
    },
  },
];

/** Permission overwrites. */
export const overwriteCases: readonly RouteCase[] = [
  {
    route: "PUT /channels/{c}/permissions/{overwrite}",
    async success({ owner, member, channel }) {
      const made = await channel();
      const form = { type: 1, allow: "0", deny: "2048" };
      expect((await owner.rest.send("PUT", `/channels/${made.id}/permissions/${member.id}`, form)).status).toBe(204);
      const { permission_overwrites: overwrites } = await owner.rest.get<APITextChannel>(`/channels/${made.id}`);
      expect(overwrites).toEqual([{ id: member.id, ...form }]);
      expectRefusal(await member.rest.send("POST", `/channels/${made.id}/messages`, { content: "x" }), 403, 50013);
    },
    async permission({ member, guild, channel }) {
      const made = await channel();
      const answer = await member.rest.send("PUT", `/channels/${made.id}/permissions/${guild.id}`, { type: 0 });
      expectRefusal(answer, 403, 50013);
    },
    async form({ owner, guild }) {
      const path = `/channels/${guild.channelId}/permissions/${guild.id}`;
      expectFormError(await owner.rest.send("PUT", path, { allow: "1" }), ["type"], "BASE_TYPE_REQUIRED");
    },
    async event({ owner, member, channel, expectEvents }) {
      const made = await channel();
      const [updated] = await expectEvents(
        () => owner.rest.put(`/channels/${made.id}/permissions/${member.id}`, { type: 1, allow: "2048" }),
        ["CHANNEL_UPDATE", audit],
      );
      expect(updated?.d).toMatchObject({
        id: made.id,
        permission_overwrites: [{ id: member.id, type: 1, allow: "2048", deny: "0" }],
      });
    },
  },
  {
    route: "DELETE /channels/{c}/permissions/{overwrite}",
    async success({ owner, guild, channel }) {
      const made = await channel({ permission_overwrites: hiddenFrom(guild.id) });
      expect((await owner.rest.send("DELETE", `/channels/${made.id}/permissions/${guild.id}`)).status).toBe(204);
      expect(await owner.rest.get(`/channels/${made.id}`)).toMatchObject({ permission_overwrites: [] });
      expectRefusal(await owner.rest.send("DELETE", `/channels/${made.id}/permissions/${guild.id}`), 404, 10009);
    },
    async permission({ member, guild, channel }) {
      const made = await channel({ permission_overwrites: [{ id: guild.id, type: 0, deny: "2048" }] });
      expectRefusal(await member.rest.send("DELETE", `/channels/${made.id}/permissions/${guild.id}`), 403, 50013);
    },
    async event({ owner, guild, channel, expectEvents }) {
      const made = await channel({ permission_overwrites: [{ id: guild.id, type: 0, deny: "2048" }] });
      const [updated] = await expectEvents(
        () => owner.rest.delete(`/channels/${made.id}/permissions/${guild.id}`),
        ["CHANNEL_UPDATE", audit],
      );
      expect(updated?.d).toMatchObject({ id: made.id, permission_overwrites: [] });
    },
  },
];

/** Invites. */
export const inviteCases: readonly RouteCase[] = [
  {
    route: "POST /channels/{c}/invites",
    async success({ owner, guild, channel }) {
      const made = await channel();
      const answer = await owner.rest.send("POST", `/channels/${made.id}/invites`, { max_age: 60, max_uses: 2 });
      expect(answer.status).toBe(200);
      expect(objectProblems("invite", answer.body)).toEqual([]);
      const invite = answer.body as APIInvite;
      expect(invite).toMatchObject({
        max_age: 60,
        max_uses: 2,
        uses: 0,
        guild: { id: guild.id },
        channel: { id: made.id },
      });
      // An equal one is there already, unless it has to be unique.
      const again = await owner.rest.post<APIInvite>(`/channels/${made.id}/invites`, { max_age: 60, max_uses: 2 });
      expect(again.code).toBe(invite.code);
    },
    async permission({ member, guild, channel }) {
      const made = await channel({ permission_overwrites: [{ id: guild.id, type: 0, deny: "1" }] });
      expectRefusal(await member.rest.send("POST", `/channels/${made.id}/invites`, {}), 403, 50013);
    },
    async form({ owner, guild }) {
      const answer = await owner.rest.send("POST", `/channels/${guild.channelId}/invites`, { max_uses: 101 });
      expectFormError(answer, ["max_uses"], "NUMBER_TYPE_MAX");
    },
    async event({ owner, guild, channel, expectEvents }) {
      const made = await channel();
      const [created] = await expectEvents(
        () => owner.rest.post(`/channels/${made.id}/invites`, { unique: true }),
        ["INVITE_CREATE", audit],
      );
      expect(created?.d).toMatchObject({ guild_id: guild.id, channel_id: made.id, uses: 0, inviter: { id: owner.id } });
    },
  },
  {
    route: "GET /invites/{code}",
    async success({ rest, guild }) {
      const plain = await rest.get<APIInvite>(`/invites/${guild.invite}`);
      expect(objectProblems("invite", plain)).toEqual([]);
      expect(plain).toMatchObject({ code: guild.invite, guild: { id: guild.id }, channel: { id: guild.channelId } });
      const counted = await rest.get<APIInvite>(`/invites/${guild.invite}?with_counts=true`);
      expect(counted.approximate_member_count).toBeGreaterThanOrEqual(3);
    },
    async permission({ rest }) {
      expectRefusal(await rest.send("GET", "/invites/nosuchcode"), 404, 10006);
      expectRefusal(await rest.as("wrong.token.here").send("GET", "/invites/nosuchcode"), 401, 0);
    },
    async form({ rest, guild }) {
      const answer = await rest.send("GET", `/invites/${guild.invite}?with_counts=2`);
      expectFormError(answer, ["with_counts"], "BOOLEAN_TYPE_CONVERT");
    },
  },
  {
    route: "POST /invites/{code}",
    async success({ outsider, guild }) {
      const answer = await outsider.rest.send("POST", `/invites/${guild.invite}`, {});
      expect([answer.status, objectProblems("invite", answer.body)]).toEqual([200, []]);
      expect(answer.body).toMatchObject({ code: guild.invite, new_member: true });
      expect(await outsider.rest.get(`/guilds/${guild.id}`)).toMatchObject({ id: guild.id });
      expect(await outsider.rest.post(`/invites/${guild.invite}`)).toMatchObject({ new_member: false });
      await outsider.rest.delete(`/users/@me/guilds/${guild.id}`);
    },
    async permission({ bot, rest, guild }) {
      expectRefusal(await bot.rest.send("POST", `/invites/${guild.invite}`, {}), 403, 20001);
      expectRefusal(await rest.send("POST", `/invites/${guild.invite}`, {}), 401, 0);
    },
    async event({ outsider, guild, watch, expectEvents }) {
      const session = await watch({ token: outsider.token });
      const [added, welcome] = await expectEvents(
        () => outsider.rest.post(`/invites/${guild.invite}`, {}),
        ["GUILD_MEMBER_ADD", "MESSAGE_CREATE"],
      );
      expect(added?.d).toMatchObject({ guild_id: guild.id, user: { id: outsider.id }, roles: [] });
      expect(welcome?.d).toMatchObject({ type: 7, author: { id: outsider.id }, channel_id: guild.channelId });
      expect(await session.next("GUILD_CREATE", ({ id }) => id === guild.id)).toMatchObject({ unavailable: false });
      await outsider.rest.delete(`/users/@me/guilds/${guild.id}`);
    },
  },
  {
    route: "DELETE /invites/{code}",
    async success({ owner, channel }) {
      const made = await channel();
      const { code } = await owner.rest.post<APIInvite>(`/channels/${made.id}/invites`, {});
      const answer = await owner.rest.send("DELETE", `/invites/${code}`);
      expect([answer.status, objectProblems("invite", answer.body)]).toEqual([200, []]);
      expectRefusal(await owner.rest.send("GET", `/invites/${code}`), 404, 10006);
    },
    async permission({ member, guild }) {
      expectRefusal(await member.rest.send("DELETE", `/invites/${guild.invite}`), 403, 50013);
    },
    async event({ owner, guild, channel, expectEvents }) {
      const made = await channel();
      const { code } = await owner.rest.post<APIInvite>(`/channels/${made.id}/invites`, {});
      const [gone] = await expectEvents(() => owner.rest.delete(`/invites/${code}`), ["INVITE_DELETE", audit]);
      expect(gone?.d).toEqual({ channel_id: made.id, guild_id: guild.id, code });
    },
  },
];
