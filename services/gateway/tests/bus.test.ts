import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { commonIntents, guildId, openChannel, staffChannel, staffRole, startPopulated } from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const message = (content: string, channelId = openChannel) =>
  makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(channelId) });
const contents = (client: TestClient) =>
  client.ofType("MESSAGE_CREATE").map(({ d }) => (d as { content: string }).content);

test("events that the bus lost are fetched and come in order", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  const wanted = Array.from({ length: 30 }, (_, place) => String(place));
  for (const [place, content] of wanted.entries()) {
    if (place % 4 === 1) fleet.router.dropNext = place % 3;
    fleet.router.emit(fleet.guild, [message(content)]);
  }
  await waitFor(() => contents(client).length === wanted.length);
  expect(contents(client)).toEqual(wanted);
});

test("a loss at the end is noticed without a later event", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.router.dropNext = 1;
  fleet.router.emit(fleet.guild, [message("lost")]);
  await waitFor(() => contents(client).length === 1);
});

test("a loss at the end is noticed although the beat that would have told was lost, too", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.router.emit(fleet.guild, [message("first")]);
  await waitFor(() => contents(client).length === 1);
  fleet.router.dropNext = 2;
  fleet.router.emit(fleet.guild, [message("lost")]);
  await waitFor(() => fleet.router.dropNext === 0);
  await waitFor(() => contents(client).length === 2);
  expect(fleet.router.asked).toContain("heads");
});

test("after a broken stream everything that was missed comes", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.router.breakStreams();
  fleet.router.emit(fleet.guild, [message("1")]);
  fleet.router.emit(fleet.guild, [message("2")]);
  await waitFor(() => contents(client).length === 2);
  expect(contents(client)).toEqual(["1", "2"]);
});

test("when missed events are gone for good, sessions get op 9 false and may begin anew", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(10n);
  const client = await fleet.connect().identify(token, { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.router.dropNext = 1;
  fleet.guild.forgottenSeq = 1_000n;
  fleet.router.emit(fleet.guild, [message("lost")]);
  await waitFor(() => client.payloads.some(({ op, d }) => op === 9 && d === false));
  client.send(2, { token, intents: commonIntents });
  await client.waitForType("GUILD_CREATE", 2);
  fleet.router.emit(fleet.guild, [message("found")]);
  await waitFor(() => contents(client).length === 1);
});

test("events while a join is under way: state always comes, messages from the join on, each once", async () => {
  await using fleet = await startPopulated();
  const { router, guild } = fleet;
  const first = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await first.waitForType("GUILD_CREATE");
  for (let round = 0; round < 5; round++) {
    const wanted = [0, 1, 2, 3, 4].map((sent) => `${round} after ${sent}`);
    router.emit(guild, [message(`${round} before`)]);
    router.afterJoin = () => {
      router.afterJoin = () => {};
      for (const content of wanted) router.emit(guild, [message(content)]);
    };
    const client = await fleet.connect().identify(fleet.addBot(BigInt(20 + round)), { intents: commonIntents });
    await waitFor(() => contents(client).length >= wanted.length);
    expect(contents(client)).toEqual(wanted);
    expect(client.types.indexOf("GUILD_CREATE")).toBe(1);
    expect(client.dispatches.map(({ s }) => s)).toEqual(client.dispatches.map((_, place) => place + 1));
  }
});

test("a role that is granted while a join is under way counts", async () => {
  await using fleet = await startPopulated();
  const { router, guild } = fleet;
  const first = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await first.waitForType("GUILD_CREATE");
  const token = fleet.addBot(20n);
  const client = await fleet.connect().opened();
  client.send(2, { token, intents: commonIntents });
  // Changes without a pause: some of them overtake the join's answer.
  let round = 0;
  await waitFor(() => {
    const roleIds = round++ % 2 === 0 ? [staffRole] : [];
    router.emit(
      guild,
      [makeDispatch("GUILD_MEMBER_UPDATE", {})],
      [{ $case: "memberRoles", value: { userId: 20n, roleIds } }],
    );
    return client.ofType("GUILD_CREATE").length > 0 && round % 2 === 1;
  });
  router.emit(guild, [message("staff only", staffChannel)]);
  await waitFor(() => contents(client).length === 1);
  expect(client.ofType("GUILD_CREATE")).toHaveLength(1);
});

test("a guild without sessions stays followed for a while, and joins go on from there", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(10n);
  const first = await fleet.connect().identify(token, { intents: commonIntents });
  await first.waitForType("GUILD_CREATE");
  first.close(1000);
  await first.waitForClose();
  fleet.router.emit(fleet.guild, [message("unheard")]);
  const second = await fleet.connect().identify(token, { intents: commonIntents });
  await second.waitForType("GUILD_CREATE");
  fleet.router.emit(fleet.guild, [message("heard")]);
  await waitFor(() => contents(second).length > 0);
  expect(contents(second)).toEqual(["heard"]);
  expect(fleet.router.isFollowed(guildId)).toBe(true);
});
