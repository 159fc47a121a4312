import { closeCode, gatewayLimits, intentBits } from "@guildhall/protocol";
import { type MembersRequest, sendMembers } from "../session/members.ts";
import { asFields, asId, asIds } from "./fields.ts";
import type { SessionOp } from "./op.ts";

const maxUserIds = gatewayLimits.user_ids_per_op8;
const maxPrefix = 100;
const defaultLimit = gatewayLimits.query_limit;

/**
 * Op 8: members of a guild, answered by GUILD_MEMBERS_CHUNK. As with Discord there is no answer when the session lacks
 * the intent, or is not in the guild.
 */
export const requestGuildMembers: SessionOp = (context, session, d) => {
  const fields = asFields(d);
  if (fields === undefined) return closeCode.DECODE_ERROR;
  const guildId = asId(Array.isArray(fields.guild_id) ? fields.guild_id[0] : fields.guild_id);
  const selection = readSelection(fields);
  if (guildId === undefined || selection === undefined) return closeCode.DECODE_ERROR;
  const { profile } = session;
  const isWhole = selection.kind === "prefix" && selection.prefix === "" && selection.limit === 0;
  if (isWhole && (profile.intents & intentBits.GUILD_MEMBERS) === 0) return undefined;
  const wantsPresences = fields.presences === true && (profile.intents & intentBits.GUILD_PRESENCES) !== 0;
  const nonce = readNonce(fields.nonce);
  void sendMembers(context, session, { guildId, selection, nonce, wantsPresences });
  return undefined;
};

function readSelection(fields: Readonly<Record<string, unknown>>): MembersRequest["selection"] | undefined {
  const { query, limit, user_ids: userIds } = fields;
  if (userIds !== undefined && userIds !== null) {
    const ids = asIds(userIds);
    return ids === undefined || ids.length > maxUserIds ? undefined : { kind: "users", ids };
  }
  const prefix = query === undefined || query === null ? "" : query;
  const most = limit === undefined || limit === null ? 0 : limit;
  if (typeof prefix !== "string" || prefix.length > maxPrefix) return undefined;
  if (typeof most !== "number" || !Number.isInteger(most) || most < 0) return undefined;
  const isWhole = prefix === "" && most === 0;
  return { kind: "prefix", prefix, limit: isWhole ? 0 : Math.min(most || defaultLimit, defaultLimit) };
}

/** A nonce that is too long is left out. */
function readNonce(nonce: unknown): string | undefined {
  const text = typeof nonce === "number" ? String(nonce) : nonce;
  return typeof text === "string" && Buffer.byteLength(text) <= gatewayLimits.nonce_bytes ? text : undefined;
}
