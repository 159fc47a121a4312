export type {
  ChannelShape,
  GuildShape,
  OverwriteShape,
  RoleShape,
  ShapeChange,
} from "./shape.ts";
export { gained, lost, type View } from "./view.ts";
export { type MemberShape, makeVisibility, type ViewChange, type Visibility } from "./visibility.ts";
