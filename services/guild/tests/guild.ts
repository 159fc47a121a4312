import {
  AddPeople,
  type Command,
  type CommandResult,
  CreateChannel,
  CreateGuild,
  CreateMessage,
  type Overwrite,
  type Profile,
} from "@guildhall/proto";
import { type Fleet, type FleetHost, jsonOf, person } from "./fleet.ts";

/** A guild with an owner, a member and one text channel. */
export interface TestGuild {
  readonly id: bigint;
  readonly owner: Profile;
  readonly member: Profile;
  readonly channelId: bigint;
}

/** Makes a guild by its commands. */
export async function makeGuild(fleet: Fleet, on: FleetHost, id = fleet.guildId): Promise<TestGuild> {
  const owner = person("owner");
  const member = person("member");
  const made = await on.command(owner, {
    $case: "createGuild",
    value: CreateGuild.fromPartial({ guildId: id, name: "G" }),
  });
  await on.command(undefined, { $case: "addPeople", value: AddPeople.fromPartial({ guildId: id, people: [member] }) });
  return { id, owner, member, channelId: BigInt(String(jsonOf(made).system_channel_id)) };
}

/** Posts a message. */
export function say(
  on: FleetHost,
  who: Profile,
  channelId: bigint,
  content: string,
  more: Partial<CreateMessage> = {},
  command: Partial<Command> = {},
): Promise<CommandResult> {
  const value = { ...CreateMessage.fromPartial({ channelId, content }), ...more };
  return on.command(who, { $case: "createMessage", value }, command);
}

/** Makes a text channel; its id. */
export async function addChannel(
  on: FleetHost,
  { id, owner }: TestGuild,
  name: string,
  overwrites: Overwrite[] = [],
): Promise<bigint> {
  const value = CreateChannel.fromPartial({ guildId: id, name, overwrites: { overwrites } });
  return BigInt(String(jsonOf(await on.command(owner, { $case: "createChannel", value })).id));
}

/** What a promise rejects with: its code. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
