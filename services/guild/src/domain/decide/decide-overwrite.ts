import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { DeleteOverwrite, PutOverwrite } from "@guildhall/proto";
import { noBytes } from "../model/bytes.ts";
import { auditAction } from "./audit.ts";
import { channelUpdate } from "./decide-channel.ts";
import { checkOverwrites, overwriteOf } from "./overwrites.ts";
import { type Decision, need, type Turn, visibleChannel } from "./turn.ts";

/** Sets one overwrite of a channel. */
export function decidePutOverwrite(turn: Turn, { channelId, overwrite: asked }: PutOverwrite): Decision {
  const { channel, who, permissions } = visibleChannel(turn, channelId);
  need(permissions, Permission.MANAGE_ROLES);
  if (asked === undefined) throw new GuildhallError("INVALID_FORM", "no overwrite given");
  const overwrite = overwriteOf(asked);
  if (overwrite.kind === "member" && turn.member(overwrite.id) === undefined) {
    throw new GuildhallError("UNKNOWN_MEMBER", `no member ${overwrite.id}`);
  }
  const known = channel.overwrites.some(({ id }) => id === overwrite.id);
  const overwrites = known
    ? channel.overwrites.map((each) => (each.id === overwrite.id ? overwrite : each))
    : [...channel.overwrites, overwrite];
  checkOverwrites(turn, who, permissions, channel.overwrites, overwrites);
  const action = known ? auditAction.overwriteUpdate : auditAction.overwriteCreate;
  return { ...channelUpdate(turn, { ...channel, overwrites }, action), status: 204, json: noBytes };
}

/** Removes one overwrite of a channel. */
export function decideDeleteOverwrite(turn: Turn, { channelId, overwriteId }: DeleteOverwrite): Decision {
  const { channel, who, permissions } = visibleChannel(turn, channelId);
  need(permissions, Permission.MANAGE_ROLES);
  const overwrites = channel.overwrites.filter(({ id }) => id !== overwriteId);
  if (overwrites.length === channel.overwrites.length) {
    throw new GuildhallError("UNKNOWN_OVERWRITE", `no overwrite for ${overwriteId}`);
  }
  checkOverwrites(turn, who, permissions, channel.overwrites, overwrites);
  const update = channelUpdate(turn, { ...channel, overwrites }, auditAction.overwriteDelete);
  return { ...update, status: 204, json: noBytes };
}
