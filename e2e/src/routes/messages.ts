import { expect } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { objectProblems } from "../shapes.ts";
import { expectFormError, expectRefusal, type Stage } from "../stage.ts";
import type { RouteCase } from "./route-case.ts";

const audit = "GUILD_AUDIT_LOG_ENTRY_CREATE";
const thumb = encodeURIComponent("👍");

/** A channel that members do not see, and one in which they may not write, may not read history, may not react. */
async function without({ channel, guild }: Stage, deny: bigint): Promise<string> {
  return (await channel({ permission_overwrites: [{ id: guild.id, type: 0, allow: "0", deny: String(deny) }] })).id;
}

const view = 1n << 10n;
const send = 1n << 11n;
const history = 1n << 16n;
const react = 1n << 6n;

/** Messages. */
export const messageCases: readonly RouteCase[] = [
  {
    route: "GET /channels/{c}/messages",
    async success({ member, channel, post }) {
      const { id } = await channel();
      const posted: APIMessage[] = [];
      for (let number = 1; number <= 7; number += 1) posted.push(await post(`number ${number}`, id));
      const ids = posted.map((message) => message.id).reverse();
      const page = async (query: string) => {
        const found = await member.rest.get<APIMessage[]>(`/channels/${id}/messages${query}`);
        expect(objectProblems("message", found)).toEqual([]);
        return found.map((message) => message.id);
      };
      expect(await page("")).toEqual(ids);
      expect(await page("?limit=2")).toEqual(ids.slice(0, 2));
      expect(await page(`?before=${ids[2]}&limit=3`)).toEqual(ids.slice(3, 6));
      expect(await page(`?after=${ids[4]}&limit=2`)).toEqual(ids.slice(2, 4));
      expect(await page("?after=0&limit=1")).toEqual(ids.slice(-1));
      expect(await page(`?around=${ids[3]}&limit=3`)).toEqual(ids.slice(2, 5));
    },
    async permission(stage) {
      const hidden = await without(stage, view);
      expectRefusal(await stage.member.rest.send("GET", `/channels/${hidden}/messages`), 403, 50001);
      const unread = await without(stage, history);
      await stage.post("before your time", unread);
      expect(await stage.member.rest.get(`/channels/${unread}/messages`)).toEqual([]);
    },
    async form({ member, guild }) {
      const answer = await member.rest.send("GET", `/channels/${guild.channelId}/messages?limit=101`);
      expectFormError(answer, ["limit"], "NUMBER_TYPE_MAX");
    },
  },
  {
    route: "POST /channels/{c}/messages",
    async success({ member, owner, guild, post }) {
      const asked = await post("a question");
      const form = {
        content: `an answer to <@${owner.id}>`,
        nonce: "42",
        embeds: [{ title: "with an embed", type: "image" }],
        message_reference: { message_id: asked.id },
      };
      const answer = await member.rest.send("POST", `/channels/${guild.channelId}/messages`, form);
      expect([answer.status, objectProblems("message", answer.body)]).toEqual([200, []]);
      const message = answer.body as APIMessage;
      expect(message).toMatchObject({
        content: form.content,
        nonce: "42",
        type: 19,
        author: { id: member.id },
        embeds: [{ title: "with an embed", type: "rich" }],
        message_reference: { type: 0, message_id: asked.id, channel_id: guild.channelId, guild_id: guild.id },
        referenced_message: { id: asked.id },
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000\+00:00$/),
      });
      expect(message.mentions.map(({ id }) => id)).toEqual([owner.id]);
      // A deleted message is gone from what answers it, too.
      const path = `/channels/${guild.channelId}/messages/${message.id}`;
      expect((await member.rest.send("GET", path)).body).toMatchObject({ referenced_message: { id: asked.id } });
      expect((await owner.rest.send("DELETE", `/channels/${guild.channelId}/messages/${asked.id}`)).status).toBe(204);
      expect((await member.rest.send("GET", path)).body).toMatchObject({ referenced_message: null });
    },
    async permission(stage) {
      const silent = await without(stage, send);
      const path = `/channels/${silent}/messages`;
      expectRefusal(await stage.member.rest.send("POST", path, { content: "hello?" }), 403, 50013);
      const hidden = await without(stage, view);
      expectRefusal(await stage.member.rest.send("POST", `/channels/${hidden}/messages`, { content: "?" }), 403, 50001);
    },
    async form({ member, guild }) {
      const path = `/channels/${guild.channelId}/messages`;
      const { rest } = member;
      expectFormError(
        await rest.send("POST", path, { content: "x".repeat(2001) }),
        ["content"],
        "BASE_TYPE_MAX_LENGTH",
      );
      expectFormError(
        await rest.send("POST", path, { embeds: [{ fields: [{ name: "n", value: "v".repeat(1025) }] }] }),
        ["embeds", "0", "fields", "0", "value"],
        "BASE_TYPE_MAX_LENGTH",
      );
      expectRefusal(await rest.send("POST", path, { content: "  " }), 400, 50006);
      expectRefusal(
        await rest.send("POST", path, undefined, { raw: "{", headers: { "content-type": "application/json" } }),
        400,
        50109,
      );
    },
    async event({ member, guild, expectEvents }) {
      const act = () => member.rest.post(`/channels/${guild.channelId}/messages`, { content: "heard", nonce: 7 });
      const [created] = await expectEvents(act, ["MESSAGE_CREATE"]);
      expect(created?.d).toMatchObject({
        content: "heard",
        nonce: 7,
        guild_id: guild.id,
        channel_id: guild.channelId,
        channel_type: 0,
        author: { id: member.id },
      });
    },
  },
  {
    route: "GET /channels/{c}/messages/{m}",
    async success({ member, guild, post }) {
      const posted = await post("to be found");
      expect(await member.rest.get(`/channels/${guild.channelId}/messages/${posted.id}`)).toEqual(posted);
    },
    async permission(stage) {
      const unread = await without(stage, history);
      const posted = await stage.post("unreadable", unread);
      const answer = await stage.member.rest.send("GET", `/channels/${unread}/messages/${posted.id}`);
      expect(answer.status).toBeGreaterThanOrEqual(403);
      const missing = await stage.member.rest.send("GET", `/channels/${stage.guild.channelId}/messages/${posted.id}`);
      expectRefusal(missing, 404, 10008);
    },
  },
  {
    route: "PATCH /channels/{c}/messages/{m}",
    async success({ owner, guild, post }) {
      const posted = await post("before");
      const edited = await owner.rest.patch<APIMessage>(`/channels/${guild.channelId}/messages/${posted.id}`, {
        content: "after",
      });
      expect(edited).toEqual({ ...posted, content: "after", edited_timestamp: expect.any(String) });
      expect(await owner.rest.get(`/channels/${guild.channelId}/messages/${posted.id}`)).toEqual(edited);
    },
    async permission({ member, guild, post }) {
      const posted = await post("the owner's");
      const path = `/channels/${guild.channelId}/messages/${posted.id}`;
      expectRefusal(await member.rest.send("PATCH", path, { content: "changed" }), 403, 50005);
      expectRefusal(await member.rest.send("PATCH", path, { flags: 4 }), 403, 50013);
    },
    async form({ owner, guild, post }) {
      const posted = await post("short");
      const path = `/channels/${guild.channelId}/messages/${posted.id}`;
      expectFormError(await owner.rest.send("PATCH", path, { content: 1 }), ["content"], "STRING_TYPE_CONVERT");
    },
    async event({ owner, guild, post, expectEvents }) {
      const posted = await post("draft");
      const [updated] = await expectEvents(
        () => owner.rest.patch(`/channels/${guild.channelId}/messages/${posted.id}`, { content: "final" }),
        ["MESSAGE_UPDATE"],
      );
      expect(updated?.d).toMatchObject({ id: posted.id, content: "final", guild_id: guild.id, tts: false });
    },
  },
  {
    route: "DELETE /channels/{c}/messages/{m}",
    async success({ owner, guild, post }) {
      const posted = await post("regretted");
      const path = `/channels/${guild.channelId}/messages/${posted.id}`;
      expect((await owner.rest.send("DELETE", path)).status).toBe(204);
      expectRefusal(await owner.rest.send("GET", path), 404, 10008);
      expectRefusal(await owner.rest.send("DELETE", path), 404, 10008);
    },
    async permission({ member, guild, post }) {
      const posted = await post("not yours");
      const answer = await member.rest.send("DELETE", `/channels/${guild.channelId}/messages/${posted.id}`);
      expectRefusal(answer, 403, 50013);
    },
    async event({ owner, member, guild, post, expectEvents }) {
      const posted = await post("gone soon");
      const path = `/channels/${guild.channelId}/messages`;
      const [gone] = await expectEvents(() => owner.rest.delete(`${path}/${posted.id}`), ["MESSAGE_DELETE"]);
      expect(gone?.d).toEqual({ id: posted.id, channel_id: guild.channelId, guild_id: guild.id });
      const other = await member.rest.post<APIMessage>(path, { content: "moderated" });
      await expectEvents(() => owner.rest.delete(`${path}/${other.id}`), ["MESSAGE_DELETE", audit]);
    },
  },
  {
    route: "POST /channels/{c}/typing",
    async success({ member, guild }) {
      expect((await member.rest.send("POST", `/channels/${guild.channelId}/typing`)).status).toBe(204);
    },
    async permission(stage) {
      const silent = await without(stage, send);
      expectRefusal(await stage.member.rest.send("POST", `/channels/${silent}/typing`), 403, 50013);
    },
    async event({ newcomer, guild, witness }) {
      const person = await newcomer();
      await person.rest.post(`/channels/${guild.channelId}/typing`);
      const typing = await witness.next("TYPING_START", ({ user_id: id }) => id === person.id);
      expect(typing).toMatchObject({
        channel_id: guild.channelId,
        guild_id: guild.id,
        member: { user: { id: person.id } },
      });
    },
  },
];

/** Reactions. */
export const reactionCases: readonly RouteCase[] = [
  {
    route: "PUT /channels/{c}/messages/{m}/reactions/{emoji}/@me",
    async success({ owner, member, guild, post }) {
      const posted = await post("like this");
      const path = `/channels/${guild.channelId}/messages/${posted.id}`;
      expect((await member.rest.send("PUT", `${path}/reactions/${thumb}/@me`)).status).toBe(204);
      await owner.rest.put(`${path}/reactions/${thumb}/@me`);
      const { reactions } = await member.rest.get<APIMessage>(path);
      expect(reactions).toEqual([
        expect.objectContaining({ count: 2, me: true, emoji: expect.objectContaining({ id: null, name: "👍" }) }),
      ]);
    },
    async permission(stage) {
      const grave = await without(stage, react);
      const posted = await stage.post("nobody reacts", grave);
      const path = `/channels/${grave}/messages/${posted.id}/reactions/${thumb}/@me`;
      expectRefusal(await stage.member.rest.send("PUT", path), 403, 50013);
      await stage.owner.rest.put(path);
      // Joining in needs no permission of its own.
      expect((await stage.member.rest.send("PUT", path)).status).toBe(204);
    },
    async form({ member, guild, post }) {
      const posted = await post("odd emoji");
      const path = `/channels/${guild.channelId}/messages/${posted.id}/reactions/nonsense/@me`;
      expectRefusal(await member.rest.send("PUT", path), 404, 10014);
    },
    async event({ member, owner, guild, post, expectEvents }) {
      const posted = await post("react");
      const path = `/channels/${guild.channelId}/messages/${posted.id}/reactions/${thumb}/@me`;
      const [added] = await expectEvents(() => member.rest.put(path), ["MESSAGE_REACTION_ADD"]);
      expect(added?.d).toMatchObject({
        user_id: member.id,
        message_id: posted.id,
        message_author_id: owner.id,
        emoji: { id: null, name: "👍" },
      });
      await expectEvents(() => member.rest.put(path), []);
    },
  },
  {
    route: "DELETE /channels/{c}/messages/{m}/reactions/{emoji}/@me",
    async success({ member, guild, post }) {
      const posted = await post("unlike this");
      const path = `/channels/${guild.channelId}/messages/${posted.id}`;
      await member.rest.put(`${path}/reactions/${thumb}/@me`);
      expect((await member.rest.send("DELETE", `${path}/reactions/${thumb}/@me`)).status).toBe(204);
      expect((await member.rest.get<APIMessage>(path)).reactions ?? []).toEqual([]);
    },
    async permission(stage) {
      const hidden = await without(stage, view);
      const posted = await stage.post("unseen", hidden);
      const path = `/channels/${hidden}/messages/${posted.id}/reactions/${thumb}/@me`;
      expectRefusal(await stage.member.rest.send("DELETE", path), 403, 50001);
    },
    async event({ member, guild, post, expectEvents }) {
      const posted = await post("react and back");
      const path = `/channels/${guild.channelId}/messages/${posted.id}/reactions/${thumb}/@me`;
      await member.rest.put(path);
      const [removed] = await expectEvents(() => member.rest.delete(path), ["MESSAGE_REACTION_REMOVE"]);
      expect(removed?.d).toEqual({
        user_id: member.id,
        channel_id: guild.channelId,
        message_id: posted.id,
        guild_id: guild.id,
        emoji: { id: null, name: "👍" },
        burst: false,
        type: 0,
      });
    },
  },
];
