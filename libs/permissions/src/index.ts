export {
  basePermissions,
  type ChannelKind,
  channelPermissions,
  kindOfChannelType,
  type MemberBase,
  type MemberInChannel,
  type Overwrite,
} from "./compute.ts";
export { canActOn, canActOnRole, compareRoles, highestRole, type RankedMember, type RoleRank } from "./hierarchy.ts";
export {
  allPermissions,
  defaultEveryonePermissions,
  formatPermissions,
  Permission,
  type PermissionName,
  parsePermissions,
} from "./permission.ts";
