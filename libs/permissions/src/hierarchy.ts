/** What ranks a role. */
export interface RoleRank {
  readonly id: bigint;
  readonly position: number;
}

/** What ranks a member: the owner is above all; `highest` is undefined for a member without roles. */
export interface RankedMember {
  readonly userId: bigint;
  readonly highest: RoleRank | undefined;
}

/** Positive when `a` is the higher role, negative when `b` is: by position, and of equal positions the lower id is higher. */
export function compareRoles(a: RoleRank, b: RoleRank): number {
  if (a.position !== b.position) return a.position - b.position;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

/** The highest of some roles, or undefined of none. */
export function highestRole<R extends RoleRank>(roles: Iterable<R>): R | undefined {
  let highest: R | undefined;
  for (const role of roles) if (highest === undefined || compareRoles(role, highest) > 0) highest = role;
  return highest;
}

/** Whether rank lets a member kick, ban, time out or rename another: never the owner, nor oneself, nor an equal. */
export function canActOn(ownerId: bigint, actor: RankedMember, target: RankedMember): boolean {
  if (target.userId === ownerId || target.userId === actor.userId) return false;
  if (actor.userId === ownerId) return true;
  if (actor.highest === undefined) return false;
  return target.highest === undefined || compareRoles(actor.highest, target.highest) > 0;
}

/** Whether rank lets a member give, take, edit, move or delete a role: it must be strictly below the member's highest. */
export function canActOnRole(ownerId: bigint, actor: RankedMember, role: RoleRank): boolean {
  if (actor.userId === ownerId) return true;
  return actor.highest !== undefined && compareRoles(actor.highest, role) > 0;
}
