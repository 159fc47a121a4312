import { isGuildhallError } from "@guildhall/errors";
import { ownGuildsQuery } from "../forms/guilds.ts";
import { type Call, identityOf, route } from "./route.ts";
import { readBytes, sendCommand } from "./send.ts";

/** How many guilds are asked at once for one request. */
const atOnce = 16;

interface Page {
  readonly before?: bigint | undefined;
  readonly after?: bigint | undefined;
  readonly limit: number;
}

/** The ids of a page, ascending: the lowest above `after`, or the highest below `before`. */
function pageOf(ids: readonly bigint[], { before, after, limit }: Page): bigint[] {
  const within = ids
    .filter((id) => (before === undefined || id < before) && (after === undefined || id > after))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return before !== undefined && after === undefined ? within.slice(-limit) : within.slice(0, limit);
}

type OwnGuildsCall = Call<unknown, { readonly with_counts: boolean }, unknown>;

/** A guild that was left in the meantime is not in the list. */
async function partialGuild(call: OwnGuildsCall, guildId: bigint): Promise<Uint8Array | undefined> {
  const value = { guildId, withCounts: call.query.with_counts };
  try {
    return await readBytes(call, guildId, { $case: "getPartialGuild", value });
  } catch (error) {
    if (isGuildhallError(error) && goneCodes.has(error.code)) return undefined;
    throw error;
  }
}

const goneCodes: ReadonlySet<string> = new Set(["UNKNOWN_GUILD", "MISSING_ACCESS", "NOT_A_MEMBER"]);

async function partialGuilds(call: OwnGuildsCall, ids: readonly bigint[]): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (let at = 0; at < ids.length; at += atOnce) {
    const some = await Promise.all(ids.slice(at, at + atOnce).map((id) => partialGuild(call, id)));
    for (const each of some) if (each !== undefined) found.push(each);
  }
  return found;
}

/** A JSON array of values that are JSON already. */
function joinJson(values: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from("[")];
  for (const [at, value] of values.entries()) {
    if (at > 0) parts.push(comma);
    parts.push(value);
  }
  parts.push(Buffer.from("]"));
  return Buffer.concat(parts);
}

const comma = Buffer.from(",");

/** The guilds of the account itself. */
export const ownGuildRoutes = [
  route({
    method: "GET",
    path: "/users/@me/guilds",
    query: ownGuildsQuery,
    async handle(call) {
      const memberships = await call.context.users.memberships(identityOf(call).actor, call.traceparent);
      const ids = memberships.filter(({ member }) => member).map(({ guildId }) => guildId);
      const guilds = await partialGuilds(call, pageOf(ids, call.query));
      return { status: 200, json: joinJson(guilds) };
    },
  }),
  route({
    method: "DELETE",
    path: "/users/@me/guilds/{g}",
    handle: (call) => sendCommand(call, call.params.g, { $case: "leaveGuild", value: { guildId: call.params.g } }),
  }),
];
