import { GuildhallError } from "@guildhall/errors";
import { createClients } from "../clients.ts";
import type { FleetHandle } from "../fleet.ts";
import { type Output, plain, renderTable } from "../terminal.ts";

/** Discord's application flags that grant the privileged intents: presences, members, message content. */
const privilegedIntentFlags = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** What `bots create` was asked. */
export interface BotRequest {
  readonly name: string;
  /** Guild that the bot joins. */
  readonly guildId: bigint | undefined;
  /** What its role in the guild grants; 0 = no role. */
  readonly permissions: bigint;
  /** Login of the person who owns the application; default: the demo's owner. */
  readonly owner: string | undefined;
  readonly format: "table" | "json";
}

/** Makes an application with its bot, adds it to a guild when asked, and shows the token once. */
export async function createBot(fleet: FleetHandle, request: BotRequest, output: Output): Promise<void> {
  await using clients = await createClients(fleet);
  const owner = await clients.user.call("findUser", { username: request.owner ?? fleet.endpoints.demo.owner.login });
  const ownerId = owner.profile?.id ?? 0n;
  const made = await clients.user.call("createApplication", {
    ownerId,
    name: request.name,
    flags: privilegedIntentFlags,
  });
  if (made.bot === undefined) throw new GuildhallError("INTERNAL", "the application came back without its bot");
  if (request.guildId !== undefined) {
    const value = {
      guildId: request.guildId,
      bot: made.bot,
      applicationId: made.id,
      permissions: request.permissions,
    };
    const command = {
      requestId: clients.nextId(),
      actor: undefined,
      reason: "",
      body: { $case: "addBot", value } as const,
    };
    await clients.router.call("command", command, { extra: { topic: request.guildId } });
  }
  const shown = {
    application_id: String(made.id),
    bot_id: String(made.bot.id),
    name: plain(made.name),
    guild_id: request.guildId === undefined ? null : String(request.guildId),
    token: made.botToken,
  };
  if (request.format === "json") {
    output.line(JSON.stringify(shown, null, 2));
    return;
  }
  const rows = Object.entries(shown).map(([key, value]) => [key, value ?? "-"]);
  output.line(renderTable(["BOT", ""], rows));
  output.note("The token is shown only this once; `bots create` makes another bot, never another look at it.");
}
