import { GuildhallError } from "@guildhall/errors";
import { allPermissions, type Overwrite, Permission } from "@guildhall/permissions";
import type { Overwrite as AskedOverwrite, Overwrites } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import { has, type Requester, type Turn } from "./turn.ts";

/** An overwrite as it was asked for; unknown bits are masked away. */
export function overwriteOf({ id, type, allow, deny }: AskedOverwrite): Overwrite {
  return {
    id,
    kind: type === 1 ? "member" : "role",
    allow: allow & allPermissions,
    deny: deny & allPermissions,
  };
}

/** A whole list as it was asked for; of several for one id the last counts. */
export function overwritesOf({ overwrites }: Overwrites): Overwrite[] {
  return [...new Map(overwrites.map((each) => [each.id, overwriteOf(each)])).values()];
}

/**
 * Refuses changes of overwrites that the asker may not make. `permissions` are theirs in the channel, or in the guild for a
 * new one. Only bits one has may be changed, unless an overwrite of the channel itself gives one MANAGE_ROLES; that bit
 * is for administrators alone.
 */
export function checkOverwrites(
  { state }: Turn,
  who: Requester,
  permissions: bigint,
  before: readonly Overwrite[],
  after: readonly Overwrite[],
): void {
  if (after.length > limits.overwrites) throw new GuildhallError("MAX_OVERWRITES", "too many overwrites");
  const previous = new Map(before.map((overwrite) => [keyOf(overwrite), overwrite]));
  let changed = 0n;
  for (const overwrite of after) {
    const { allow = 0n, deny = 0n } = previous.get(keyOf(overwrite)) ?? {};
    changed |= (allow ^ overwrite.allow) | (deny ^ overwrite.deny);
    if (overwrite.kind === "role" && !previous.has(keyOf(overwrite)) && !state.roles.has(overwrite.id)) {
      throw new GuildhallError("UNKNOWN_ROLE", `no role ${overwrite.id}`);
    }
    previous.delete(keyOf(overwrite));
  }
  for (const { allow, deny } of previous.values()) changed |= allow | deny;
  if (changed === 0n || has(who.view.base, Permission.ADMINISTRATOR)) return;
  if (has(changed, Permission.MANAGE_ROLES)) {
    throw new GuildhallError("MISSING_PERMISSIONS", "only administrators grant MANAGE_ROLES by overwrite");
  }
  if (managesHere(who, before)) return;
  if ((changed & ~(permissions | who.view.base)) !== 0n) {
    throw new GuildhallError("MISSING_PERMISSIONS", "only permissions one has can be granted");
  }
}

/** An overwrite for a role and one for a member are two, whatever their ids. */
function keyOf({ id, kind }: Overwrite): string {
  return `${kind} ${id}`;
}

/** Whether two lists allow and deny the same, in whatever order. */
export function sameOverwrites(a: readonly Overwrite[], b: readonly Overwrite[]): boolean {
  if (a.length !== b.length) return false;
  const known = new Map(b.map((overwrite) => [keyOf(overwrite), overwrite]));
  return a.every((overwrite) => {
    const other = known.get(keyOf(overwrite));
    return other?.allow === overwrite.allow && other.deny === overwrite.deny;
  });
}

function managesHere({ member }: Requester, overwrites: readonly Overwrite[]): boolean {
  return overwrites.some(
    ({ id, allow }) => has(allow, Permission.MANAGE_ROLES) && (id === member.userId || member.roleIds.includes(id)),
  );
}
