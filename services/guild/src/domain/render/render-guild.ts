import type { View } from "@guildhall/visibility";
import type { GuildState } from "../model/state.ts";
import type { Guild } from "../model/thing.ts";
import { channelJson } from "./render-channel.ts";
import { roleJson } from "./render-role.ts";
import { idOrNull, textOrNull } from "./render-user.ts";

/** The most members a guild may have. */
export const maxMembers = 2_000_000;

// Discord's own threshold above which a guild counts as large for every session.
const largeAbove = 250;

/** The fields of a guild that REST and GUILD_CREATE share, without braces. */
function guildFields(state: GuildState, guild: Guild): string {
  return (
    `"id":"${guild.id}","name":${JSON.stringify(guild.name)},"icon":null,"splash":null,"discovery_splash":null,` +
    `"banner":null,"description":${textOrNull(guild.description)},"owner_id":"${guild.ownerId}","region":null,` +
    `"afk_channel_id":${idOrNull(guild.afkChannelId)},"afk_timeout":${guild.afkTimeout},"widget_enabled":false,` +
    `"widget_channel_id":null,"verification_level":${guild.verificationLevel},` +
    `"default_message_notifications":${guild.defaultMessageNotifications},` +
    `"explicit_content_filter":${guild.explicitContentFilter},` +
    `"roles":[${Array.from(state.roles.values(), roleJson).join(",")}],"emojis":[],"stickers":[],"features":[],` +
    `"mfa_level":0,"application_id":null,"system_channel_id":${idOrNull(guild.systemChannelId)},` +
    `"system_channel_flags":${guild.systemChannelFlags},"rules_channel_id":null,"max_presences":null,` +
    `"max_members":${maxMembers},"vanity_url_code":null,"premium_tier":0,"premium_subscription_count":0,` +
    `"preferred_locale":${JSON.stringify(guild.preferredLocale)},"public_updates_channel_id":null,` +
    `"max_video_channel_users":25,"max_stage_video_channel_users":50,"nsfw":false,"nsfw_level":0,` +
    `"premium_progress_bar_enabled":false,"safety_alerts_channel_id":null,"incidents_data":null`
  );
}

/** Discord's guild object as REST answers it; `withCounts` adds the approximate counts. */
export function guildJson(state: GuildState, guild: Guild, withCounts = false): string {
  const counts = withCounts ? `,${countFields(guild)}` : "";
  return `{${guildFields(state, guild)}${counts}}`;
}

/** The approximate counts of a guild. Presences are known to the sessions' side only, so none are counted here. */
export function countFields({ memberCount }: Guild): string {
  return `"approximate_member_count":${memberCount},"approximate_presence_count":0`;
}

/**
 * GUILD_CREATE's `d` for a view, without `joined_at`, `members` and the closing brace, which the gateway adds for each
 * session. Channels that the view does not see are left out.
 */
export function guildCreateOpenJson(state: GuildState, guild: Guild, view: View): string {
  let channels = "";
  for (const channel of state.channels.values()) {
    if (!view.canSee(channel.id)) continue;
    channels += `${channels === "" ? "" : ","}${channelJson(state, channel, "in-guild")}`;
  }
  return (
    `{${guildFields(state, guild)},"large":${guild.memberCount > largeAbove},"unavailable":false,` +
    `"member_count":${guild.memberCount},"voice_states":[],"channels":[${channels}],"threads":[],"presences":[],` +
    `"stage_instances":[],"guild_scheduled_events":[],"soundboard_sounds":[]`
  );
}
