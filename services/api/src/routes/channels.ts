import { createChannelForm, editChannelForm, overwriteForm } from "../forms/channels.ts";
import { route } from "./route.ts";
import { sendCommand, sendRead, unknownTopic } from "./send.ts";

const defaultBitrate = 64_000;

/** Channels and their permission overwrites. */
export const channelRoutes = [
  route({
    method: "GET",
    path: "/guilds/{g}/channels",
    needs: "member",
    handle: (call) => sendRead(call, call.params.g, { $case: "listChannels", value: { guildId: call.params.g } }),
  }),
  route({
    method: "POST",
    path: "/guilds/{g}/channels",
    needs: "MANAGE_CHANNELS",
    body: createChannelForm,
    handle(call) {
      const form = call.body;
      const { permission_overwrites: overwrites = [] } = form;
      const value = {
        guildId: call.params.g,
        name: form.name,
        type: form.type,
        topic: form.topic ?? "",
        parentId: form.parent_id ?? 0n,
        nsfw: form.nsfw ?? false,
        rateLimitPerUser: form.rate_limit_per_user ?? 0,
        bitrate: form.bitrate ?? defaultBitrate,
        userLimit: form.user_limit ?? 0,
        position: form.position,
        // None given: those of the category.
        overwrites: overwrites.length > 0 ? { overwrites } : undefined,
      };
      return sendCommand(call, call.params.g, { $case: "createChannel", value });
    },
  }),
  route({
    method: "GET",
    path: "/channels/{c}",
    needs: "VIEW_CHANNEL",
    handle: (call) => sendRead(call, unknownTopic, { $case: "getChannel", value: { channelId: call.params.c } }),
  }),
  route({
    method: "PATCH",
    path: "/channels/{c}",
    needs: "MANAGE_CHANNELS (overwrites: MANAGE_ROLES)",
    body: editChannelForm,
    handle(call) {
      const form = call.body;
      const value = {
        channelId: call.params.c,
        name: form.name,
        type: form.type,
        topic: form.topic,
        parentId: form.parent_id,
        nsfw: form.nsfw,
        rateLimitPerUser: form.rate_limit_per_user,
        bitrate: form.bitrate,
        userLimit: form.user_limit,
        position: form.position,
        overwrites: form.permission_overwrites && { overwrites: form.permission_overwrites },
      };
      return sendCommand(call, unknownTopic, { $case: "editChannel", value });
    },
  }),
  route({
    method: "DELETE",
    path: "/channels/{c}",
    needs: "MANAGE_CHANNELS",
    handle: (call) => sendCommand(call, unknownTopic, { $case: "deleteChannel", value: { channelId: call.params.c } }),
  }),
];

/** Permission overwrites of channels. */
export const overwriteRoutes = [
  route({
    method: "PUT",
    path: "/channels/{c}/permissions/{overwrite}",
    needs: "MANAGE_ROLES",
    body: overwriteForm,
    handle(call) {
      const overwrite = { id: call.params.overwrite, ...call.body };
      return sendCommand(call, unknownTopic, {
        $case: "putOverwrite",
        value: { channelId: call.params.c, overwrite },
      });
    },
  }),
  route({
    method: "DELETE",
    path: "/channels/{c}/permissions/{overwrite}",
    needs: "MANAGE_ROLES",
    handle(call) {
      const value = { channelId: call.params.c, overwriteId: call.params.overwrite };
      return sendCommand(call, unknownTopic, { $case: "deleteOverwrite", value });
    },
  }),
];
