import { intentBits } from "@guildhall/protocol";
import type { GatewayConfig, GatewayOverrides } from "../../src/index.ts";
import { startFleet, type TestFleet } from "./test-fleet.ts";
import type { TestGuild } from "./test-guild.ts";
import { allGrants } from "./test-users.ts";

/** Ids of a small guild that most tests are about. */
export const guildId = 5n << 22n;
export const openChannel = 50n;
export const staffChannel = 51n;
export const staffRole = 90n;
export const ownerId = 1_000n;

/** Every intent that is not privileged, and MESSAGE_CONTENT. */
export const commonIntents =
  intentBits.GUILDS |
  intentBits.GUILD_MESSAGES |
  intentBits.GUILD_MESSAGE_TYPING |
  intentBits.GUILD_MESSAGE_REACTIONS |
  intentBits.MESSAGE_CONTENT;

const viewChannel = 1n << 10n;

/** A fleet with a guild: an open channel, a channel for staff, a role for staff, and an owner. */
export async function startPopulated(
  config: Partial<GatewayConfig> = {},
  overrides: GatewayOverrides = {},
): Promise<TestFleet & { readonly guild: TestGuild; addBot(id: bigint, roleIds?: bigint[]): string }> {
  const fleet = await startFleet(config, overrides);
  const guild = fleet.router.addGuild(guildId, ownerId);
  guild.emit([], [{ $case: "rolePut", value: { id: staffRole, permissions: 0n } }]);
  guild.emit([], [{ $case: "channelPut", value: { id: openChannel, type: 0, parentId: 0n, overwrites: [] } }]);
  guild.emit([], [{ $case: "channelPut", value: staffOnly() }]);
  return {
    ...fleet,
    guild,
    addBot(id, roleIds = []) {
      guild.members.set(id, roleIds);
      return fleet.users.add(id, { bot: true, flags: allGrants, guilds: [guildId] });
    },
  };
}

/** The channel that only staff see. */
export function staffOnly() {
  return {
    id: staffChannel,
    type: 0,
    parentId: 0n,
    overwrites: [
      { id: guildId, type: 0, allow: 0n, deny: viewChannel },
      { id: staffRole, type: 0, allow: viewChannel, deny: 0n },
    ],
  };
}
