import { GuildhallError } from "@guildhall/errors";
import { countsQuery, createGuildForm, editGuildForm, membersQuery } from "../forms/guilds.ts";
import { membershipSettled } from "./membership-settled.ts";
import { type Call, identityOf, route } from "./route.ts";
import { sendCommand, sendRead } from "./send.ts";

// GATEWAY_GUILD_MEMBERS and GATEWAY_GUILD_MEMBERS_LIMITED of Discord's application flags.
const membersFlags = (1n << 14n) | (1n << 15n);

/** Guilds. */
export const guildRoutes = [
  route({
    method: "POST",
    path: "/guilds",
    caller: "person",
    limit: "makeGuild",
    body: createGuildForm,
    async handle(call) {
      const guildId = call.context.nextId();
      const answer = await sendCommand(call, guildId, {
        $case: "createGuild",
        value: { guildId, name: call.body.name },
      });
      await membershipSettled(call, guildId);
      return answer;
    },
  }),
  route({
    method: "GET",
    path: "/guilds/{g}",
    needs: "member",
    query: countsQuery,
    handle(call) {
      const value = { guildId: call.params.g, withCounts: call.query.with_counts };
      return sendRead(call, call.params.g, { $case: "getGuild", value });
    },
  }),
  route({
    method: "PATCH",
    path: "/guilds/{g}",
    needs: "MANAGE_GUILD",
    body: editGuildForm,
    handle(call) {
      const form = call.body;
      const value = {
        guildId: call.params.g,
        name: form.name,
        description: form.description,
        verificationLevel: form.verification_level,
        defaultMessageNotifications: form.default_message_notifications,
        explicitContentFilter: form.explicit_content_filter,
        afkChannelId: form.afk_channel_id,
        afkTimeout: form.afk_timeout,
        systemChannelId: form.system_channel_id,
        systemChannelFlags: form.system_channel_flags,
        preferredLocale: form.preferred_locale,
        ownerId: form.owner_id,
      };
      return sendCommand(call, call.params.g, { $case: "editGuild", value });
    },
  }),
  route({
    method: "DELETE",
    path: "/guilds/{g}",
    caller: "person",
    needs: "owner",
    handle: (call) => sendCommand(call, call.params.g, { $case: "deleteGuild", value: { guildId: call.params.g } }),
  }),
];

function refuseWithoutMembersIntent(call: Call<unknown, unknown, unknown>): void {
  const { profile, applicationFlags } = identityOf(call).account;
  if (profile?.bot && (applicationFlags & membersFlags) === 0n) {
    throw new GuildhallError("MISSING_ACCESS", "the application lacks the GUILD_MEMBERS intent");
  }
}

/** Members of guilds, and their roles. */
export const memberRoutes = [
  route({
    method: "GET",
    path: "/guilds/{g}/members",
    needs: "GUILD_MEMBERS intent of the app",
    query: membersQuery,
    handle(call) {
      refuseWithoutMembersIntent(call);
      const value = { guildId: call.params.g, after: call.query.after, limit: call.query.limit };
      return sendRead(call, call.params.g, { $case: "listMembers", value });
    },
  }),
  route({
    method: "GET",
    path: "/guilds/{g}/members/{u}",
    needs: "member",
    handle(call) {
      const value = { guildId: call.params.g, userId: call.params.u };
      return sendRead(call, call.params.g, { $case: "getMember", value });
    },
  }),
  route({
    method: "DELETE",
    path: "/guilds/{g}/members/{u}",
    needs: "KICK_MEMBERS",
    handle(call) {
      const value = { guildId: call.params.g, userId: call.params.u };
      return sendCommand(call, call.params.g, { $case: "kickMember", value });
    },
  }),
  route({
    method: "PUT",
    path: "/guilds/{g}/members/{u}/roles/{r}",
    needs: "MANAGE_ROLES",
    handle(call) {
      const value = { guildId: call.params.g, userId: call.params.u, roleId: call.params.r };
      return sendCommand(call, call.params.g, { $case: "grantRole", value });
    },
  }),
  route({
    method: "DELETE",
    path: "/guilds/{g}/members/{u}/roles/{r}",
    needs: "MANAGE_ROLES",
    handle(call) {
      const value = { guildId: call.params.g, userId: call.params.u, roleId: call.params.r };
      return sendCommand(call, call.params.g, { $case: "revokeRole", value });
    },
  }),
];
