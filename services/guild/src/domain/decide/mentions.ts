import { Permission } from "@guildhall/permissions";
import type { AllowedMentions } from "@guildhall/proto";
import type { GuildState } from "../model/state.ts";
import type { Member } from "../model/thing.ts";
import { has } from "./turn.ts";

/** What a text mentions, before anybody asked whether it may. */
export interface NamedInText {
  readonly users: readonly bigint[];
  readonly roles: readonly bigint[];
  readonly everyone: boolean;
}

/** What a message pings. */
export interface Mentions {
  readonly members: readonly Member[];
  readonly roles: readonly bigint[];
  readonly everyone: boolean;
}

// One message pings no more people, and the host loads no more members for it.
const maxNamed = 100;

const nothing: NamedInText = { users: [], roles: [], everyone: false };

/** Finds mentions in a text: `<@id>`, `<@!id>`, `<@&id>`, `@everyone`, `@here`. */
export function namedInText(content: string): NamedInText {
  if (!content.includes("@")) return nothing;
  const users = new Set<bigint>();
  const roles = new Set<bigint>();
  for (const [, kind, id] of content.matchAll(/<@([!&]?)(\d{1,20})>/g)) {
    const named = kind === "&" ? roles : users;
    if (named.size < maxNamed) named.add(BigInt(id as string));
  }
  return { users: [...users], roles: [...roles], everyone: /@(?:everyone|here)\b/.test(content) };
}

/**
 * What is pinged of what is named: as `allowed` says (everything when absent), roles that are not mentionable and
 * @everyone only with MENTION_EVERYONE. `replied` is the author of the message replied to.
 */
export function allowedMentions(
  state: GuildState,
  named: NamedInText,
  allowed: AllowedMentions | undefined,
  permissions: bigint,
  member: (userId: bigint) => Member | undefined,
  replied: bigint | undefined,
): Mentions {
  const all = has(permissions, Permission.MENTION_EVERYONE);
  const parses = (word: string): boolean => allowed === undefined || allowed.parse.includes(word);
  const ids = named.users.filter((id) => parses("users") || allowed?.users.includes(id));
  if (replied !== undefined && (allowed === undefined || allowed.repliedUser)) ids.unshift(replied);
  const members = [...new Set(ids)].flatMap((id) => member(id) ?? []);
  const roles = named.roles.filter((id) => {
    const role = state.roles.get(id);
    return role !== undefined && (role.mentionable || all) && (parses("roles") || allowed?.roles.includes(id));
  });
  return { members, roles, everyone: named.everyone && all && parses("everyone") };
}
