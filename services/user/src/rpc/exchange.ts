import { GuildhallError } from "@guildhall/errors";
import type { UserReply, UserRequest } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { createApplication, getApplication, resetBotToken } from "./applications.ts";
import { authenticate } from "./authenticate.ts";
import { findUser, getUsers } from "./get-users.ts";
import { login } from "./login.ts";
import { logout } from "./logout.ts";
import { applyMemberships, listMemberships } from "./memberships.ts";
import { register } from "./register.ts";
import { seedPeople } from "./seed-people.ts";
import { heads, refill } from "./user-topics.ts";

type Body = NonNullable<UserReply["body"]>;

/** Answers one request of an exchange. `source` names this process in heads. */
export async function answer(context: UserContext, source: string, request: UserRequest): Promise<Body> {
  const { body } = request;
  switch (body?.$case) {
    case "register":
      return { $case: "register", value: await register(context, body.value) };
    case "login":
      return { $case: "login", value: await login(context, body.value) };
    case "logout":
      return { $case: "logout", value: logout(context, body.value) };
    case "authenticate":
      return { $case: "authenticate", value: authenticate(context, body.value) };
    case "getUsers":
      return { $case: "getUsers", value: getUsers(context, body.value) };
    case "findUser":
      return { $case: "findUser", value: findUser(context, body.value) };
    case "getApplication":
      return { $case: "getApplication", value: getApplication(context, body.value) };
    case "createApplication":
      return { $case: "createApplication", value: createApplication(context, body.value) };
    case "resetBotToken":
      return { $case: "resetBotToken", value: resetBotToken(context, body.value) };
    case "seedPeople":
      return { $case: "seedPeople", value: await seedPeople(context, body.value) };
    case "listMemberships":
      return { $case: "listMemberships", value: listMemberships(context, body.value) };
    case "applyMemberships":
      return { $case: "applyMemberships", value: applyMemberships(context, body.value) };
    case "heads":
      return { $case: "heads", value: heads(context, body.value, source) };
    case "refill":
      return { $case: "refill", value: refill(context, body.value) };
    case "backup":
      return { $case: "backup", value: { files: [...(await context.backUp(body.value.folder))] } };
    case undefined:
      throw new GuildhallError("INVALID_FORM", "the request has no body");
  }
}
