import type { GuildState } from "../model/state.ts";
import type { Invite } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { countFields } from "./render-guild.ts";
import { textOrNull, userJson } from "./render-user.ts";

/** What besides the invite itself is shown: how it was made (`metadata`), counts of the guild, whether one just joined. */
export interface InviteParts {
  readonly metadata?: boolean;
  readonly counts?: boolean;
  readonly newMember?: boolean;
}

/** Discord's invite object. */
export function inviteJson(state: GuildState, invite: Invite, parts: InviteParts = {}): string {
  const { guild } = state;
  const channel = state.channels.get(invite.channelId);
  const guildPart =
    guild === undefined
      ? "null"
      : `{"id":"${guild.id}","name":${JSON.stringify(guild.name)},"icon":null,"splash":null,"banner":null,` +
        `"description":${textOrNull(guild.description)},"features":[],` +
        `"verification_level":${guild.verificationLevel},"vanity_url_code":null,"nsfw_level":0,"nsfw":false,` +
        `"premium_subscription_count":0,"premium_tier":0}`;
  const channelPart =
    channel === undefined
      ? "null"
      : `{"id":"${channel.id}","type":${channel.type},"name":${JSON.stringify(channel.name)}}`;
  const metadata = parts.metadata ? `,${metadataFields(invite)}` : "";
  const counts = parts.counts && guild !== undefined ? `,${countFields(guild)}` : "";
  const joined = parts.newMember === undefined ? "" : `,"new_member":${parts.newMember}`;
  return (
    `{"type":0,"code":${JSON.stringify(invite.code)},"guild_id":"${state.topic}","guild":${guildPart},` +
    `"channel":${channelPart},"inviter":${userJson(invite.inviter)},"expires_at":${expiresAt(invite)},"flags":0` +
    `${metadata}${counts}${joined}}`
  );
}

/** INVITE_CREATE's `d`. */
export function inviteCreateJson(state: GuildState, invite: Invite): string {
  return (
    `{"channel_id":"${invite.channelId}","code":${JSON.stringify(invite.code)},"guild_id":"${state.topic}",` +
    `"inviter":${userJson(invite.inviter)},"expires_at":${expiresAt(invite)},"type":0,"flags":0,` +
    `${metadataFields(invite)}}`
  );
}

function metadataFields({ uses, maxUses, maxAge, temporary, createdAtMs }: Invite): string {
  return (
    `"uses":${uses},"max_uses":${maxUses},"max_age":${maxAge},"temporary":${temporary},` +
    `"created_at":"${isoOf(createdAtMs)}"`
  );
}

/** When an invite ends, in Unix ms; undefined for one without an end. */
export function expiresAtMs({ createdAtMs, maxAge }: Invite): number | undefined {
  return maxAge === 0 ? undefined : createdAtMs + maxAge * 1000;
}

function expiresAt(invite: Invite): string {
  const at = expiresAtMs(invite);
  return at === undefined ? "null" : `"${isoOf(at)}"`;
}
