import { accountRoutes } from "./accounts.ts";
import { channelRoutes, overwriteRoutes } from "./channels.ts";
import { gatewayRoutes } from "./gateway.ts";
import { guildRoutes, memberRoutes } from "./guilds.ts";
import { inviteRoutes } from "./invites.ts";
import { messageRoutes } from "./messages.ts";
import { ownGuildRoutes } from "./own-guilds.ts";
import { reactionRoutes } from "./reactions.ts";
import { roleRoutes } from "./roles.ts";
import type { Route } from "./route.ts";

/** Every route that is served. */
export const routes: readonly Route[] = [
  ...gatewayRoutes,
  ...accountRoutes,
  ...ownGuildRoutes,
  ...guildRoutes,
  ...memberRoutes,
  ...roleRoutes,
  ...channelRoutes,
  ...overwriteRoutes,
  ...inviteRoutes,
  ...messageRoutes,
  ...reactionRoutes,
];
