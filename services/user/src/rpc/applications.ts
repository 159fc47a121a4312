import { GuildhallError } from "@guildhall/errors";
import type { Application, CreateApplication, GetApplication, ResetBotToken } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toApplication } from "../domain/account.ts";
import { makeToken } from "../domain/token.ts";
import type { AccountRow, ApplicationRow } from "../store/accounts.ts";

function nameError(message: string): GuildhallError {
  const fields = [{ path: ["name"], code: "BASE_TYPE_BAD_LENGTH", message }];
  return new GuildhallError("INVALID_FORM", "Invalid Form Body", { fields });
}

function botOf(id: bigint, name: string): AccountRow {
  return {
    id,
    username: name,
    globalName: "",
    avatar: "",
    email: "",
    passwordHash: "",
    bot: true,
    applicationId: id,
    locale: "en-US",
    publicFlags: 0n,
  };
}

/** Makes an application, its bot account (same id) and the bot's token. */
export function createApplication(context: UserContext, request: CreateApplication): Application {
  const name = request.name.trim();
  if (name.length < 2 || name.length > 32) throw nameError("Must be between 2 and 32 in length.");
  const owner = context.accounts.account(request.ownerId);
  if (owner === undefined || owner.bot) throw new GuildhallError("UNKNOWN_USER", `no person ${request.ownerId}`);
  const id = context.nextId();
  const row: ApplicationRow = {
    id,
    name,
    description: "",
    botId: id,
    ownerId: owner.id,
    flags: request.flags,
    ...context.makeSigningKey(),
  };
  const bot = botOf(id, name);
  const { token, hash } = makeToken(id, context.tokenPorts);
  context.accounts.addApplication(row, bot, hash, context.nowMs());
  return toApplication(row, bot, owner, token);
}

function existing(context: UserContext, id: bigint): ApplicationRow {
  const row = context.accounts.application(id);
  if (row === undefined) throw new GuildhallError("UNKNOWN_APPLICATION", `no application ${id}`);
  return row;
}

/** An application by id. UNKNOWN_APPLICATION when there is none. */
export function getApplication(context: UserContext, { applicationId }: GetApplication): Application {
  const row = existing(context, applicationId);
  return toApplication(row, context.accounts.account(row.botId), context.accounts.account(row.ownerId));
}

/** Ends every token of the bot and makes a new one. */
export function resetBotToken(context: UserContext, { applicationId }: ResetBotToken): Application {
  const row = existing(context, applicationId);
  const { token, hash } = makeToken(row.botId, context.tokenPorts);
  const { removed, events } = context.accounts.replaceTokens(row.botId, hash, context.nowMs());
  context.revocations.revoke(removed);
  context.announcer.announce(events);
  return toApplication(row, context.accounts.account(row.botId), context.accounts.account(row.ownerId), token);
}
