import { expect, test } from "@jest/globals";
import { waitFor } from "@guildhall/testing";
import { intentBits } from "@guildhall/protocol";
import { startFleet } from "./support/test-fleet.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const guildId = 1n << 22n;

test("a bot gets READY, its guilds, and then what happens in them", async () => {
  await using fleet = await startFleet();
  const guild = fleet.router.addGuild(guildId, 1n);
  const channel = { id: 50n, type: 0, parentId: 0n, overwrites: [] };
  guild.emit([], [{ $case: "channelPut", value: channel }]);
  guild.emit([], [{ $case: "memberRoles", value: { userId: 7n, roleIds: [] } }]);
  const token = fleet.users.add(7n, { bot: true, guilds: [guildId] });
  const client = await fleet.connect().identify(`Bot ${token}`, { intents: intentBits.GUILDS | intentBits.GUILD_MESSAGES });
  await client.waitForType("GUILD_CREATE");
  fleet.router.emit(guild, [makeDispatch("MESSAGE_CREATE", { id: "1", content: "hi" }, { of: viewers(50n) })]);
  const message = await client.waitForType("MESSAGE_CREATE");
  expect(message.d).toEqual({ id: "1", content: "hi" });
  expect(client.dispatches.map(({ s }) => s)).toEqual([1, 2, 3]);
  expect(client.ofType("GUILD_CREATE")[0]?.d).toMatchObject({
    id: String(guildId),
    unavailable: false,
    channels: ["50"],
    members: [{ user: { id: "7" } }],
  });
  await waitFor(() => true);
});
