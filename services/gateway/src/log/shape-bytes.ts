import type { ChannelShape, GuildShape, OverwriteShape, RoleShape } from "@guildhall/visibility";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Puts a guild's shape. */
export function writeShape(out: ByteWriter, { guildId, ownerId, roles, channels }: GuildShape): void {
  out.u64(guildId);
  out.u64(ownerId);
  out.varint(roles.length);
  for (const { id, permissions } of roles) {
    out.u64(id);
    out.u64(permissions);
  }
  out.varint(channels.length);
  for (const { id, type, parentId, overwrites } of channels) {
    out.u64(id);
    out.varint(type);
    out.u64(parentId);
    out.varint(overwrites.length);
    for (const overwrite of overwrites) writeOverwrite(out, overwrite);
  }
}

function writeOverwrite(out: ByteWriter, { id, kind, allow, deny }: OverwriteShape): void {
  out.u64(id);
  out.u8(kind === "member" ? 1 : 0);
  out.u64(allow);
  out.u64(deny);
}

/** Takes what `writeShape` put. */
export function readShape(from: ByteReader): GuildShape {
  const [guildId, ownerId] = [from.u64(), from.u64()];
  const roles = from.list((): RoleShape => ({ id: from.u64(), permissions: from.u64() }));
  const channels = from.list(
    (): ChannelShape => ({
      id: from.u64(),
      type: from.varint(),
      parentId: from.u64(),
      overwrites: from.list(
        (): OverwriteShape => ({
          id: from.u64(),
          kind: from.u8() === 1 ? "member" : "role",
          allow: from.u64(),
          deny: from.u64(),
        }),
      ),
    }),
  );
  return { guildId, ownerId, roles, channels };
}
