import type {
  RESTGetAPIGatewayBotResult,
  RESTGetAPIGatewayResult,
  RESTGetCurrentApplicationResult,
} from "discord-api-types/v10";
import { jsonAnswer } from "../http/answer.ts";
import { userObject } from "./objects.ts";
import { type Call, identityOf, route } from "./route.ts";

const dayMs = 86_400_000;

// One process follows all of a bot's guilds; nothing is gained by splitting them.
const shards = 1;
const identifiesPerDay = 1000;

async function getApplication(call: Call<unknown, unknown, unknown>) {
  const { id, name, description, bot, owner, flags, verifyKey } = await call.context.users.application(
    identityOf(call).account.applicationId,
    call.traceparent,
  );
  const application: RESTGetCurrentApplicationResult = {
    id: String(id),
    name,
    icon: null,
    description,
    summary: "",
    bot_public: true,
    bot_require_code_grant: false,
    verify_key: verifyKey,
    flags: Number(flags),
    flags_new: String(flags),
    team: null,
    ...(owner && { owner: userObject(owner) }),
    ...(bot && { bot: userObject(bot) }),
  };
  return jsonAnswer(200, application);
}

/** The gateway's address, and what a bot learns about itself before it connects. */
export const gatewayRoutes = [
  route({
    method: "GET",
    path: "/gateway",
    caller: "nobody",
    handle: ({ context }) => jsonAnswer(200, { url: context.gatewayUrl } satisfies RESTGetAPIGatewayResult),
  }),
  route({
    method: "GET",
    path: "/gateway/bot",
    caller: "bot",
    handle({ context }) {
      const result: RESTGetAPIGatewayBotResult = {
        url: context.gatewayUrl,
        shards,
        session_start_limit: {
          total: identifiesPerDay,
          remaining: identifiesPerDay,
          reset_after: dayMs,
          max_concurrency: 1,
        },
      };
      return jsonAnswer(200, result);
    },
  }),
  route({ method: "GET", path: "/oauth2/applications/@me", caller: "bot", handle: getApplication }),
  route({ method: "GET", path: "/applications/@me", caller: "bot", handle: getApplication }),
];
