import { Permission } from "@guildhall/permissions";
import type { Dispatch } from "@guildhall/proto";
import { auditJson } from "../model/codec.ts";
import type { Outcome } from "../model/outcome.ts";
import type { AuditEntry } from "../model/thing.ts";
import { dispatchOf, inGuild } from "./dispatch.ts";
import type { Turn } from "./turn.ts";

/** Discord's numbers of the actions that are kept in the audit log. */
export const auditAction = {
  guildUpdate: 1,
  channelCreate: 10,
  channelUpdate: 11,
  channelDelete: 12,
  overwriteCreate: 13,
  overwriteUpdate: 14,
  overwriteDelete: 15,
  memberKick: 20,
  memberRoleUpdate: 25,
  botAdd: 28,
  roleCreate: 30,
  roleUpdate: 31,
  roleDelete: 32,
  inviteCreate: 40,
  inviteDelete: 42,
  messageDelete: 72,
} as const;

/** One entry of the audit log, by who asks and for their reason. */
export function auditOutcome(turn: Turn, action: number, targetId: bigint | string): Outcome {
  const userId = turn.actor?.profile?.id ?? 0n;
  return {
    of: "audit",
    entry: { id: turn.nextId(), action, userId, targetId: targetId.toString(), reason: turn.reason },
  };
}

/** What tells those who may read the audit log of an entry. */
export function auditDispatch(guildId: bigint, entry: AuditEntry): Dispatch {
  const json = `${auditJson(entry).slice(0, -1)},"guild_id":"${guildId}"}`;
  return dispatchOf("GUILD_AUDIT_LOG_ENTRY_CREATE", inGuild(Permission.VIEW_AUDIT_LOG), json);
}
