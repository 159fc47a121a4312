import { randomInt } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import { loginForm, registerForm } from "../forms/accounts.ts";
import { emptyAnswer, jsonAnswer } from "../http/answer.ts";
import { joinWithNewAccount } from "./invites.ts";
import { ownUserObject, userObject } from "./objects.ts";
import { identityOf, route } from "./route.ts";

const theme = "dark";
const maxNameChars = 32;

/** Makes a user name of a display name: its letters and digits, and digits that make a clash unlikely. */
function userNameOf(displayName: string): string {
  const letters = displayName
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "");
  const digits = String(randomInt(100_000, 1_000_000));
  return `${(letters || "user").slice(0, maxNameChars - digits.length)}${digits}`;
}

/** Accounts: making them, logging in and out, and who an account is. */
export const accountRoutes = [
  route({
    method: "POST",
    path: "/auth/register",
    caller: "nobody",
    limit: "account",
    body: registerForm,
    async handle(call) {
      const { username, global_name = "", email = "", password, invite } = call.body;
      const session = await call.context.users.register(
        { username: username ?? userNameOf(global_name), globalName: global_name, email, password },
        call.traceparent,
      );
      if (invite !== undefined) await joinWithNewAccount(call, session.account, invite);
      return jsonAnswer(201, { token: session.token });
    },
  }),
  route({
    method: "POST",
    path: "/auth/login",
    caller: "nobody",
    limit: "account",
    body: loginForm,
    async handle({ context, body, traceparent }) {
      const { token, account } = await context.users.login(body, traceparent);
      return jsonAnswer(200, {
        user_id: String(account?.profile?.id),
        token,
        user_settings: { locale: account?.locale || "en-US", theme },
      });
    },
  }),
  route({
    method: "POST",
    path: "/auth/logout",
    caller: "person",
    async handle(call) {
      const { tokenHash } = identityOf(call);
      await call.context.users.logout(tokenHash, call.traceparent);
      call.context.authenticator.revoke([tokenHash]);
      return emptyAnswer();
    },
  }),
  route({
    method: "GET",
    path: "/users/@me",
    handle(call) {
      const { account, actor } = identityOf(call);
      return jsonAnswer(200, ownUserObject(account, actor.profile as NonNullable<typeof actor.profile>));
    },
  }),
  route({
    method: "GET",
    path: "/users/{u}",
    async handle({ context, params, traceparent }) {
      const [account] = await context.users.accounts([params.u], traceparent);
      if (account?.profile === undefined) throw new GuildhallError("UNKNOWN_USER", "no such user");
      return jsonAnswer(200, userObject(account.profile));
    },
  }),
];
