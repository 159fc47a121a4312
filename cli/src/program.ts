import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { createBot } from "./commands/bots.ts";
import { chat } from "./commands/chat.ts";
import { seed } from "./commands/seed.ts";
import { status } from "./commands/status.ts";
import { passwordFromEnvironment, typedIn } from "./config.ts";
import { makeControlClient } from "./control/control-client.ts";
import { addBackups, addHolds, addMoves, addViews, type CommandContext } from "./control/fleet-commands.ts";
import { type Format, outputOption } from "./control/options.ts";
import { addReshard } from "./control/reshard-commands.ts";
import { type FleetHandle, openFleet } from "./fleet.ts";
import type { Output } from "./terminal.ts";

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 100000.");
  }
  return value;
}

function id(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError("It must be an id: digits only.");
  return BigInt(text);
}

function prefix(text: string): string {
  if (!/^[a-z0-9_]{1,24}$/.test(text)) {
    throw new InvalidArgumentError("It must be 1 to 24 lower-case letters, digits or underscores.");
  }
  return text;
}

type OpenedFleet = () => FleetHandle;

function addStatus(program: Command, fleet: OpenedFleet, output: Output): void {
  program
    .command("status")
    .description("every process: is it there, is it ready, how many sessions")
    .addOption(outputOption())
    .action(async (options: { output: Format }) => {
      if (!(await status(fleet(), options.output, output))) process.exitCode = 1;
    });
}

function addBots(program: Command, fleet: OpenedFleet, output: Output): void {
  interface Options {
    readonly name: string;
    readonly guild?: bigint;
    readonly permissions: bigint;
    readonly owner?: string;
    readonly output: Format;
  }
  program
    .command("bots")
    .description("applications and their bots")
    .command("create")
    .description("make an application with its bot, and show the bot's token")
    .requiredOption("--name <name>", "name of the bot")
    .option("--guild <id>", "guild that the bot joins", id)
    .option("--permissions <bits>", "what its role there grants, as a decimal bit field", id, 0n)
    .option("--owner <login>", "who owns the application (default: the demo's owner)")
    .addOption(outputOption())
    .action(({ name, guild, permissions, owner, output: format }: Options) =>
      createBot(fleet(), { name, guildId: guild, permissions, owner, format }, output),
    );
}

function addSeed(program: Command, fleet: OpenedFleet, output: Output): void {
  program
    .command("seed")
    .description("make people and let them join a guild; may be repeated")
    .requiredOption("--people <n>", "how many", count)
    .option("--guild <id>", "the guild (default: the demo's)", id)
    .option("--prefix <text>", "their names are this and a number", prefix, "person")
    .option("--password <text>", "their password, so that they can log in; hashing makes this slow", "")
    .action((options: { people: number; guild?: bigint; prefix: string; password: string }) => {
      const opened = fleet();
      const { guild: guildId = BigInt(opened.endpoints.demo.guildId), ...people } = options;
      return seed(opened, { guildId, ...people }, output);
    });
}

function addChat(program: Command, fleet: OpenedFleet, output: Output): void {
  program
    .command("chat")
    .description("read and write in a channel; the password is asked for, or read from GUILDHALL_PASSWORD")
    .requiredOption("--as <login>", "who you are: a username or an e-mail address")
    .option("--channel <id>", "the channel (default: the demo's)", id)
    .action(({ as: login, channel }: { as: string; channel?: bigint }) =>
      chat(fleet(), { login, channelId: channel?.toString(), password: passwordFromEnvironment() }, output),
    );
}

/** The tool's commands. `defaultState` is the state folder when --state is not given. */
export function makeProgram(output: Output, defaultState: string): Command {
  const program = new Command("guildhall")
    .description("Shows and drives a fleet of Guildhall.")
    .option("--state <dir>", "state folder of the fleet", defaultState)
    .showHelpAfterError("(add --help for the options)");
  const state = () => resolve(typedIn(), program.opts<{ state: string }>().state);
  const fleet: OpenedFleet = () => openFleet(state());
  const context: CommandContext = { client: () => makeControlClient(state()), output };
  for (const add of [addStatus, addBots, addSeed, addChat]) add(program, fleet, output);
  for (const add of [addViews, addReshard, addMoves, addHolds, addBackups]) add(program, context);
  return program;
}
