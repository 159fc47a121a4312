import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { Account, Command } from "@guildhall/proto";
import { parseSnowflake } from "@guildhall/snowflake";
import { countsQuery } from "../forms/guilds.ts";
import { createInviteForm } from "../forms/invites.ts";
import type { Answer } from "../http/answer.ts";
import { membershipSettled } from "./membership-settled.ts";
import { type Call, route } from "./route.ts";
import { sendCommand, sendRead, unknownTopic } from "./send.ts";

const code = /^[A-Za-z0-9-]{2,64}$/;

/** What cannot be a code is the code of no invite. */
function codeOf({ params }: Call<{ readonly code: string }, unknown, unknown>): string {
  if (!code.test(params.code)) throw new GuildhallError("UNKNOWN_INVITE", "no such invite");
  return params.code;
}

/** Has an account just made accept an invite; whatever the owner says against it, the account stays. */
export async function joinWithNewAccount(
  { context, traceparent }: Call<unknown, unknown, unknown>,
  account: Account | undefined,
  invite: string,
): Promise<void> {
  if (account === undefined || !code.test(invite)) return;
  const { profile, applicationId } = account;
  const command: Command = {
    requestId: context.nextId(),
    actor: { profile, applicationId },
    reason: "",
    body: { $case: "acceptInvite", value: { code: invite } },
  };
  await context.topics.command(unknownTopic, command, traceparent).catch((error: unknown) => {
    if (!isGuildhallError(error)) throw error;
  });
}

/** Which guild an accepted invite leads to. */
function guildOf({ json }: Answer): bigint | undefined {
  if (json === undefined) return undefined;
  const { guild } = JSON.parse(Buffer.from(json).toString()) as { guild?: { id?: string } };
  return parseSnowflake(guild?.id ?? "");
}

/** Invites to guilds. */
export const inviteRoutes = [
  route({
    method: "POST",
    path: "/channels/{c}/invites",
    needs: "CREATE_INSTANT_INVITE",
    body: createInviteForm,
    handle(call) {
      const { max_age, max_uses, temporary, unique } = call.body;
      const value = {
        channelId: call.params.c,
        code: call.context.newInviteCode(),
        maxAge: max_age,
        maxUses: max_uses,
        temporary,
        unique,
      };
      return sendCommand(call, unknownTopic, { $case: "createInvite", value });
    },
  }),
  route({
    method: "GET",
    path: "/invites/{code}",
    caller: "anyone",
    query: countsQuery,
    handle(call) {
      const value = { code: codeOf(call), withCounts: call.query.with_counts };
      return sendRead(call, unknownTopic, { $case: "getInvite", value });
    },
  }),
  route({
    method: "POST",
    path: "/invites/{code}",
    caller: "person",
    async handle(call) {
      const answer = await sendCommand(call, unknownTopic, { $case: "acceptInvite", value: { code: codeOf(call) } });
      const guildId = guildOf(answer);
      if (guildId !== undefined) await membershipSettled(call, guildId);
      return answer;
    },
  }),
  route({
    method: "DELETE",
    path: "/invites/{code}",
    needs: "MANAGE_CHANNELS on the channel or MANAGE_GUILD",
    handle: (call) => sendCommand(call, unknownTopic, { $case: "deleteInvite", value: { code: codeOf(call) } }),
  }),
];
