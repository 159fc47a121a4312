import type { Overwrite } from "@guildhall/permissions";
import { kindOfChannelType } from "@guildhall/permissions";
import type { GuildState } from "../model/state.ts";
import type { Channel } from "../model/thing.ts";
import { idOrNull, textOrNull } from "./render-user.ts";

/** Discord's channel object; inside a GUILD_CREATE it has no `guild_id`. */
export function channelJson(state: GuildState, channel: Channel, place: "alone" | "in-guild" = "alone"): string {
  const { id, type, name, position, nsfw, parentId, overwrites } = channel;
  const guild = place === "alone" ? `"guild_id":"${state.topic}",` : "";
  return (
    `{"id":"${id}","type":${type},${guild}"name":${JSON.stringify(name)},"position":${position},` +
    `"permission_overwrites":[${overwrites.map(overwriteJson).join(",")}],"parent_id":${idOrNull(parentId)},` +
    `"nsfw":${nsfw},"flags":0${kindFields(state, channel)}}`
  );
}

function kindFields(state: GuildState, channel: Channel): string {
  const kind = kindOfChannelType(channel.type);
  if (kind === "category") return "";
  const last = idOrNull(state.ends.get(channel.id)?.messageId ?? 0n);
  const text =
    `,"topic":${textOrNull(channel.topic)},"last_message_id":${last},"last_pin_timestamp":null,` +
    `"rate_limit_per_user":${channel.rateLimitPerUser}`;
  if (kind === "text") return text;
  return `${text},"bitrate":${channel.bitrate},"user_limit":${channel.userLimit},"rtc_region":null`;
}

function overwriteJson({ id, kind, allow, deny }: Overwrite): string {
  return `{"id":"${id}","type":${kind === "member" ? 1 : 0},"allow":"${allow}","deny":"${deny}"}`;
}
