import { isGuildhallError } from "@guildhall/errors";
import type { Read } from "@guildhall/proto";
import { gatewayLimits } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import { lasting } from "../domain/attachment.ts";
import type { Session } from "../domain/session.ts";
import { deliverOwnJson } from "./own-dispatch.ts";

/** Which members of a guild a client wants. */
export interface MembersRequest {
  readonly guildId: bigint;
  readonly selection:
    | { readonly kind: "users"; readonly ids: readonly bigint[] }
    /** Names that begin so; "" and limit 0 = all members. */
    | { readonly kind: "prefix"; readonly prefix: string; readonly limit: number };
  readonly nonce: string | undefined;
  readonly wantsPresences: boolean;
}

/** A member object as a host renders it; only what is looked at here. */
interface MemberObject {
  readonly nick?: string | null;
  readonly user: { readonly id: string; readonly username: string; readonly global_name?: string | null };
}

const pageSize = gatewayLimits.members_per_chunk;
// A guild of a million members; more are not sent.
const maxPages = 1_000;
const everyMs = 30_000;

/** Reads members of a guild from its host and sends them in chunks. */
export async function sendMembers(context: GatewayContext, session: Session, request: MembersRequest): Promise<void> {
  const { guildId, selection } = request;
  if (!isIn(session, guildId) || !isAllowed(context, session, request)) return;
  try {
    if (selection.kind === "users") await sendUsers(context, session, request, selection.ids);
    else await sendPrefix(context, session, request, selection);
  } catch (error) {
    context.log.warn({ err: error, guild: guildId }, "members could not be read");
  }
}

function isIn(session: Session, guildId: bigint): boolean {
  return session.attachments.some(({ topic, to }) => to === lasting && "guildId" in topic && topic.guildId === guildId);
}

/** The whole list: once per guild and 30 s, else RATE_LIMITED. */
function isAllowed(context: GatewayContext, session: Session, request: MembersRequest): boolean {
  const { selection, guildId, nonce } = request;
  if (selection.kind !== "prefix" || selection.limit > 0 || context.config.rateLimits === "Off") return true;
  if (!session.profile.isBot) return true;
  session.memberLists ??= new Map();
  const nowMs = context.clock.monotonicMs();
  const lastMs = session.memberLists.get(guildId);
  if (lastMs === undefined || nowMs - lastMs >= everyMs) {
    session.memberLists.set(guildId, nowMs);
    return true;
  }
  const meta = { guild_id: String(guildId), ...(nonce !== undefined && { nonce }) };
  const retryAfter = (everyMs - (nowMs - lastMs)) / 1_000;
  const limited = JSON.stringify({ opcode: 8, retry_after: retryAfter, meta });
  deliverOwnJson(context, session, "RATE_LIMITED", limited);
  return false;
}

async function sendUsers(
  context: GatewayContext,
  session: Session,
  request: MembersRequest,
  ids: readonly bigint[],
): Promise<void> {
  const { guildId } = request;
  const found = await Promise.all(
    ids.map(async (userId) => {
      try {
        return await read(context, session, guildId, { $case: "getMember", value: { guildId, userId } });
      } catch (error) {
        if (isGuildhallError(error) && !error.shouldRetry()) return undefined;
        throw error;
      }
    }),
  );
  const members = found.flatMap((json) => (json === undefined ? [] : [json]));
  const missing = ids.filter((_, place) => found[place] === undefined).map(String);
  sendChunk(context, session, request, { members, missing, index: 0, count: 1 });
}

async function sendPrefix(
  context: GatewayContext,
  session: Session,
  request: MembersRequest,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): Promise<void> {
  const wanted = prefix.toLowerCase();
  const members: MemberObject[] = [];
  let after = 0n;
  for (let page = 0; page < maxPages && (limit === 0 || members.length < limit); page++) {
    const value = { guildId: request.guildId, after, limit: pageSize };
    const json = await read(context, session, request.guildId, { $case: "listMembers", value });
    const listed = JSON.parse(json) as MemberObject[];
    members.push(...listed.filter((member) => hasPrefix(member, wanted)));
    const last = listed.at(-1);
    if (last === undefined || listed.length < pageSize) break;
    after = BigInt(last.user.id);
  }
  const sent = limit === 0 ? members : members.slice(0, limit);
  const count = Math.max(1, Math.ceil(sent.length / pageSize));
  for (let index = 0; index < count; index++) {
    const chunk = sent.slice(index * pageSize, (index + 1) * pageSize).map((member) => JSON.stringify(member));
    sendChunk(context, session, request, { members: chunk, missing: [], index, count });
  }
}

function hasPrefix({ nick, user }: MemberObject, wanted: string): boolean {
  if (wanted === "") return true;
  return [nick, user.global_name, user.username].some((name) => name?.toLowerCase().startsWith(wanted));
}

interface Chunk {
  readonly members: readonly string[];
  readonly missing: readonly string[];
  readonly index: number;
  readonly count: number;
}

function sendChunk(
  context: GatewayContext,
  session: Session,
  { guildId, nonce, wantsPresences }: MembersRequest,
  { members, missing, index, count }: Chunk,
): void {
  // It may have left while they were read.
  if (!isIn(session, guildId)) return;
  const rest = JSON.stringify({
    chunk_index: index,
    chunk_count: count,
    not_found: missing,
    ...(wantsPresences && { presences: [] }),
    ...(nonce !== undefined && { nonce }),
  });
  const json = `{"guild_id":"${guildId}","members":[${members.join(",")}],${rest.slice(1)}`;
  deliverOwnJson(context, session, "GUILD_MEMBERS_CHUNK", json);
}

/** Asks a guild's host as the session's user; the answer's JSON. */
async function read(
  { router }: GatewayContext,
  session: Session,
  guildId: bigint,
  body: NonNullable<Read["body"]>,
): Promise<string> {
  const profile = {
    id: session.userId,
    username: "",
    globalName: "",
    avatar: "",
    bot: session.profile.isBot,
    publicFlags: 0n,
  };
  const { of } = await router.call(
    "read",
    { actor: { profile, applicationId: 0n }, body },
    { extra: { topic: guildId } },
  );
  return of?.$case === "json" ? of.value.toString() : "[]";
}
