import { closeCode } from "@guildhall/protocol";
import { asFields, asId, isOptional } from "./fields.ts";
import type { SessionOp } from "./op.ts";

/** Op 4: joins or leaves a voice channel. Its form is checked; there is no voice here, so nothing follows. */
export const voiceStateUpdate: SessionOp = (_context, _session, d) => {
  const fields = asFields(d);
  if (fields === undefined) return closeCode.DECODE_ERROR;
  const { guild_id: guildId, channel_id: channelId, self_mute: mute, self_deaf: deaf } = fields;
  const isGuild = guildId === null || guildId === undefined || asId(guildId) !== undefined;
  const isChannel = channelId === null || channelId === undefined || asId(channelId) !== undefined;
  if (!isGuild || !isChannel || !isOptional(mute, "boolean") || !isOptional(deaf, "boolean")) {
    return closeCode.DECODE_ERROR;
  }
  return undefined;
};
